// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_TOKEN_RECORD_H_
#define TOKENSVC_CACHE_TOKEN_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/secret.h"

namespace tokensvc {

/// A token with its times, as caches hold it: to them it is a secret that ends. Immutable once it
/// is shared.
struct TokenRecord {
  Secret token;
  std::string granted_scopes;    ///< Space-separated; empty: those that were asked for.
  absl::Time expires_at;         ///< End of life, on the wall clock: for people and other machines.
  absl::Time refresh_at;         ///< `due`, on the wall clock.
  BootTime usable_until;         ///< Answered until here, on this machine's own steady clock.
  BootTime due;                  ///< A refresh is due from here on.
  std::uint64_t generation = 0;  ///< Orders the versions of a record; greater is newer.

  /// Bytes that this record takes, the allocator's share included.
  std::size_t MemoryBytes() const;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_TOKEN_RECORD_H_
