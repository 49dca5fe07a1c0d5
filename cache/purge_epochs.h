// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_PURGE_EPOCHS_H_
#define TOKENSVC_CACHE_PURGE_EPOCHS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "cache/token_record.h"

namespace tokensvc {

/// What tokens can be purged by.
enum class PurgeKind : std::uint8_t { kRegistration = 1, kTenant = 2, kCredential = 3 };

/// All tokens of one registration, of one tenant of an authority, or that one credential fetched.
struct PurgeScope {
  PurgeKind kind = PurgeKind::kRegistration;
  std::string name;
};

/// The names of one scope in the shared store: under each index key, the primary's first. Never
/// empty where there is a scope.
using ScopeNames = std::vector<std::string>;

struct PurgeEpoch {
  std::string name;  ///< Of a scope, under one index key.
  std::uint64_t epoch = 0;
};

/// What is known of purges: an epoch for each scope that was ever purged.
struct PurgeState {
  std::vector<PurgeEpoch> epochs;
  /// Of what nobody has room to remember: a record of a smaller generation, whatever its scopes,
  /// may have been purged, and counts as if it were.
  std::uint64_t floor = 0;
};

/// The purge epochs that this process knows (DESIGN.md §5). They only ever rise: nobody who writes
/// to the shared store brings back what this process has seen purged. Thread-safe.
///
/// Records are held against it twice. What comes from the shared store carries the epochs that its
/// writer knew, which are compared as numbers. A record of this process remembers how many changes
/// of this table it has seen, and is looked at again only when there were more: a hit costs one
/// comparison.
class PurgeEpochs {
 public:
  /// Scopes that are remembered; beyond it those purged longest ago go, and leave a floor.
  static constexpr std::size_t kMaxScopes = 16'384;
  /// No epoch is greater: the shared store's scripts count in doubles.
  static constexpr std::uint64_t kMaxEpoch = (std::uint64_t{1} << 53) - 1;

  PurgeEpochs();
  PurgeEpochs(const PurgeEpochs&) = delete;
  PurgeEpochs& operator=(const PurgeEpochs&) = delete;

  /// What a record remembers of a scope: it is of no use for anything but `ChangedSince`. Two
  /// scopes may share one, and are then purged together.
  static std::uint32_t TagOf(const ScopeNames& names);

  /// Counts what rose. To be read before a token is asked for, and put into its record.
  std::uint64_t changes() const { return changes_.load(std::memory_order_acquire); }

  /// Whether nothing that covers `record` was purged since it was asked for, as far as this process
  /// knows.
  bool IsFresh(const TokenRecord& record) const {
    return record.fresh_at() == changes() || IsStillFresh(record);
  }
  /// Whether one of the scopes was purged after the moment at which `changes()` was `then`.
  bool ChangedSince(const PurgeTags& tags, std::uint64_t then) const;

  /// The epoch of a scope; 0: it never was purged.
  std::uint64_t EpochOf(const ScopeNames& names) const;
  std::uint64_t floor() const;

  /// Purges a scope here: its epoch becomes greater than it was, and at least `at_least`. Returns
  /// it.
  std::uint64_t Raise(const ScopeNames& names, std::uint64_t at_least);
  /// Takes over what is greater than what is known. False: nothing was.
  bool RaiseTo(const PurgeState& seen);
  /// Purges every record of this process, and no other: for when scopes change their names.
  void ForgetRecords();

  /// All that is known.
  PurgeState Known() const;
  std::size_t size() const;

  /// Whether this is what the shared store knows, too. While it is not, nothing from the shared
  /// store may be used: it may have been purged. True where nobody shares.
  bool current() const { return current_.load(std::memory_order_acquire); }
  void SetCurrent(bool current) { current_.store(current, std::memory_order_release); }

 private:
  struct Entry {
    std::uint64_t epoch = 0;
    std::uint64_t raised_at = 0;  ///< `changes()` from then on.
  };

  bool IsStillFresh(const TokenRecord& record) const ABSL_LOCKS_EXCLUDED(mutex_);
  bool Changed(const PurgeTags& tags, std::uint64_t then) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool RaiseOne(const std::string& name, std::uint64_t epoch, std::uint64_t raised_at)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Trim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<std::uint64_t> changes_{0};
  std::atomic<bool> current_{true};
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  /// By tag, when one of its scopes was last purged.
  absl::flat_hash_map<std::uint32_t, std::uint64_t> raised_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t floor_ ABSL_GUARDED_BY(mutex_) = 0;
  /// The same, for records of this process: what was trimmed here is in `all_raised_at_`.
  std::uint64_t floor_elsewhere_ ABSL_GUARDED_BY(mutex_) = 0;
  /// Records that have seen fewer changes are purged, whatever their scopes.
  std::uint64_t all_raised_at_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_PURGE_EPOCHS_H_
