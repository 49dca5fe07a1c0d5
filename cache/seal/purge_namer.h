// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_PURGE_NAMER_H_
#define TOKENSVC_CACHE_SEAL_PURGE_NAMER_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"
#include "cache/purge_epochs.h"
#include "cache/seal/key_files.h"
#include "cache/seal/opaque_names.h"

namespace tokensvc {

/// Makes the names under which the shared store has scopes of purges. A purge is written under all
/// keys of the index ring, so that replicas in the middle of a rotation know it by whichever of
/// them they have as primary. One for all loops of a process. Thread-safe.
class PurgeNamer {
 public:
  /// Names that are kept; beyond it, all are forgotten, and made again.
  static constexpr std::size_t kMaxKept = 4096;

  /// `keys` outlives this.
  PurgeNamer(const KeyRingSource& keys, std::string keyspace);

  /// Of a scope without a name: none.
  ScopeNames NamesOf(const PurgeScope& scope) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const KeyRingSource& keys_;
  Mutex mutex_;
  OpaqueNames names_ ABSL_GUARDED_BY(mutex_);
  /// Those under which the kept names were made.
  std::shared_ptr<const KeyRings> rings_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, ScopeNames> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_PURGE_NAMER_H_
