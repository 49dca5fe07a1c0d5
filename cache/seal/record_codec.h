// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_RECORD_CODEC_H_
#define TOKENSVC_CACHE_SEAL_RECORD_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "cache/fleet_clock.h"
#include "cache/seal/text_deflate.h"
#include "cache/token_record.h"

namespace tokensvc {

/// What a record says of purges: the epochs that its writer knew, and by what it can be purged
/// besides its key.
struct PurgeStamp {
  std::uint64_t registration = 0;
  std::uint64_t tenant = 0;
  std::uint64_t credential_epoch = 0;
  std::string credential;
};

/// Packs records (`tokensvc.cache.v1.TokenRecord`) before they are sealed, and unpacks them. The
/// two first parts of a JWT are stored decoded and deflated, its signature decoded; every token
/// comes back in its very bytes, and one that would not is stored as it is. Keeps zlib's state,
/// with claims but never a signature in it. Not thread-safe.
class RecordCodec {
 public:
  /// Beyond these a record is not shared. Authorities' tokens have 1 to 10 KB.
  static constexpr std::size_t kMaxTokenBytes = std::size_t{64} << 10;
  static constexpr std::size_t kMaxScopesBytes = std::size_t{16} << 10;

  static constexpr std::size_t kMaxCredentialBytes = 512;

  /// Looks at a record's stamp before the record is made, and sets what else it has of purges.
  /// False: it was purged.
  using CheckPurges = absl::FunctionRef<bool(const PurgeStamp& stamp, TokenRecord::Fields& fields)>;

  /// None where the token, its scopes or its credential's name are larger than that, or a time is
  /// beyond the year 9999.
  std::optional<Secret> Pack(const TokenRecord& record, const FleetInstant& now,
                             const PurgeStamp& stamp = {});

  /// The end of the record's life on the fleet's clock: by the steady clock alone, since the wall
  /// clock may have been set since the record was made.
  static absl::Time ExpiresAt(const TokenRecord& record, const FleetInstant& now);

  /// None for what `Pack` does not make; takes hostile input. Times are computed for this machine's
  /// clocks; a record is never usable after its expiry, whatever it says. `*purged` is set where
  /// `check` said so, and there is none either.
  std::shared_ptr<const TokenRecord> Unpack(absl::string_view packed, std::uint64_t generation,
                                            const FleetInstant& now, CheckPurges check,
                                            bool* purged);
  std::shared_ptr<const TokenRecord> Unpack(absl::string_view packed, std::uint64_t generation,
                                            const FleetInstant& now);

 private:
  TextDeflate deflate_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_RECORD_CODEC_H_
