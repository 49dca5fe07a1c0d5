// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_TOKEN_FINGERPRINTER_H_
#define TOKENSVC_BASE_TOKEN_FINGERPRINTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/random.h"
#include "base/secret.h"

namespace tokensvc {

/// Names tokens in records that must not hold them: the first 64 bits of HMAC-SHA-256 (RFC 2104)
/// over the token. Who has the key and a token can tell whether a record is about it; who has the
/// records alone learns nothing, not even by trying tokens. Thread-safe.
class TokenFingerprinter {
 public:
  static constexpr std::size_t kMinKeyBytes = 16;

  /// `key` has at least `kMinKeyBytes`.
  explicit TokenFingerprinter(const Secret& key);
  /// With a key that nobody else has: fingerprints of two processes can't be compared.
  explicit TokenFingerprinter(RandomGenerator& random);
  ~TokenFingerprinter();
  TokenFingerprinter(const TokenFingerprinter&) = delete;
  TokenFingerprinter& operator=(const TokenFingerprinter&) = delete;

  /// Never 0. Takes microseconds: to be kept beside the token. Aborts where OpenSSL fails, which it
  /// does only without memory.
  std::uint64_t Fingerprint(absl::string_view token) const;

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
};

/// As records write it: 16 lower-case hexadecimal digits.
std::string FingerprintText(std::uint64_t fingerprint);

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_TOKEN_FINGERPRINTER_H_
