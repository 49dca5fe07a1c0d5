// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_TOKEN_FIELDS_H_
#define TOKENSVC_SERVICE_AUTHORITY_TOKEN_FIELDS_H_

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/json.h"
#include "base/secret.h"

namespace tokensvc {

/// The longest token, of any kind, that we take.
inline constexpr std::size_t kMaxTokenBytes = std::size_t{64} << 10;
/// A longer lifetime is taken for a corrupt number (milliseconds, an absolute time).
inline constexpr absl::Duration kMaxTokenLifetime = absl::Hours(24 * 366);

/// A JSON object with secrets in it: its strings are overwritten before they are freed.
class SecretDocument {
 public:
  explicit SecretDocument(Json parsed) : json_(std::move(parsed)) {}
  ~SecretDocument();
  SecretDocument(const SecretDocument&) = delete;
  SecretDocument& operator=(const SecretDocument&) = delete;

  /// The member, or nullptr if it is absent or null.
  Json* Find(const char* name);
  const Json& json() const { return json_; }

 private:
  Json json_;
};

/// Whole seconds, from a number or from a string of digits; nullopt for anything else, for less
/// than one and for more than `kMaxTokenLifetime`.
std::optional<absl::Duration> ReadLifetime(const Json& value);

/// Moves a token out of its document: at most `kMaxTokenBytes` of visible ASCII. False if it is
/// there and is not one; true, and nothing, if `member` is null.
bool TakeToken(Json* member, std::optional<Secret>* token);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_TOKEN_FIELDS_H_
