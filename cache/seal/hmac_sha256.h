// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_HMAC_SHA256_H_
#define TOKENSVC_CACHE_SEAL_HMAC_SHA256_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/secret.h"

namespace tokensvc {

/// HMAC-SHA-256 (RFC 2104), and the one length of HKDF (RFC 5869) that needs nothing else, with one
/// context that is used again and again: OpenSSL 3 looks an algorithm up by name each time unless
/// it was fetched, and its own HKDF does so for every key. Aborts where OpenSSL fails, which it
/// does only without memory. Not thread-safe.
class HmacSha256 {
 public:
  static constexpr std::size_t kBytes = 32;

  HmacSha256();
  ~HmacSha256();
  HmacSha256(const HmacSha256&) = delete;
  HmacSha256& operator=(const HmacSha256&) = delete;

  /// `kBytes` over `bytes`.
  std::string Compute(absl::string_view key, absl::string_view bytes);

  /// `kBytes` of HKDF without salt.
  Secret DeriveKey(absl::string_view key_material, absl::string_view info);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_HMAC_SHA256_H_
