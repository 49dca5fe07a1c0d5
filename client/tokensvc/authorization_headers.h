// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENSVC_AUTHORIZATION_HEADERS_H_
#define TOKENSVC_CLIENT_TOKENSVC_AUTHORIZATION_HEADERS_H_

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokensvc::client {

/// The headers to set on a request to a resource, as the service made them. A handle: copies are
/// cheap and share the headers, which are overwritten in memory when the last of them ends.
/// Immutable, so thread-safe. Not usable after a move.
class AuthorizationHeaders {
 public:
  /// Views, valid while a copy of the handle lives.
  struct Header {
    absl::string_view name;
    absl::string_view value;
  };
  struct NameAndValue {
    std::string name;
    std::string value;
  };
  /// Takes the headers over and overwrites the values that they held.
  static AuthorizationHeaders Make(std::vector<NameAndValue>&& headers, absl::Time expires_at,
                                   std::string correlation_id);

  /// All of them, with their secrets: set every one.
  std::vector<Header> Reveal() const;
  /// When the token in them stops working.
  absl::Time expires_at() const;
  const std::string& correlation_id() const;

 private:
  struct State;
  explicit AuthorizationHeaders(std::shared_ptr<const State> state);

  std::shared_ptr<const State> state_;
};

std::ostream& operator<<(std::ostream&, const AuthorizationHeaders&) = delete;

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_TOKENSVC_AUTHORIZATION_HEADERS_H_
