// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_LOCAL_CACHE_H_
#define TOKENSVC_CACHE_LOCAL_CACHE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "cache/purge_epochs.h"
#include "cache/token_record.h"

namespace tokensvc {

/// The cache of one process: canonical key bytes to token records. Look-ups and stores take the
/// same time with one entry as with millions. Bounded in bytes, keys and bookkeeping included, with
/// a cap on the share of one partition (a tenant), so that no tenant can push the others out.
/// Thread-safe; a look-up holds one of many locks for some tens of nanoseconds.
class LocalCache {
 public:
  /// Less than this is too little for what a partition holds: some tens of tokens of the usual
  /// size, or a single one of the largest that anyone has seen.
  static constexpr std::size_t kLeastPartitionBytes = std::size_t{64} << 10;

  struct Options {
    std::size_t max_bytes = std::size_t{256} << 20;
    /// How much of it one partition may hold, in percent.
    int tenant_share_percent = 50;
    /// At most. Bounds hold per shard, so a small cache gets fewer: as many as leave one partition
    /// `kLeastPartitionBytes` of each.
    std::size_t shards = 64;
    /// May be null.
    MetricRegistry* metrics = nullptr;
    /// A record that was purged is none. Null: nothing is ever purged.
    const PurgeEpochs* purges = nullptr;
  };

  struct Hit {
    std::shared_ptr<const TokenRecord> record;  ///< Null: nothing that may be answered.
    /// The caller, and nobody else for a while, is to see to a refresh of this record.
    bool refresh_claimed = false;
    /// There was a record, and its time was over.
    bool expired = false;
  };

  explicit LocalCache(Options options);
  ~LocalCache();
  LocalCache(const LocalCache&) = delete;
  LocalCache& operator=(const LocalCache&) = delete;

  /// Finds the record of `key`, never one whose `usable_until` has come, or that was purged. From
  /// `due` on, one caller claims the refresh; if that came to nothing, another may claim it after a
  /// quarter of what is left (1 s to 30 s).
  Hit Lookup(absl::string_view key, BootTime now);

  /// The record of `key` as it is, without claiming anything; null where there is none, or it was
  /// purged.
  std::shared_ptr<const TokenRecord> Peek(absl::string_view key) const;

  /// Stores `record`, unless one of a greater generation is there that was not purged; returns the
  /// one that stands. A record that is larger than a partition may be is not kept, and returned all
  /// the same.
  std::shared_ptr<const TokenRecord> Store(absl::string_view key, absl::string_view partition,
                                           std::shared_ptr<const TokenRecord> record);

  void Erase(absl::string_view key);
  void Clear();

  struct Size {
    std::size_t entries = 0;
    std::size_t bytes = 0;
  };
  Size size() const;

  /// What one partition holds.
  struct PartitionUse {
    std::string sample_key;  ///< Of one of its records: who makes keys can tell whose they are.
    Size size;
  };
  struct PartitionUses {
    std::size_t partitions = 0;         ///< How many there are.
    std::vector<PartitionUse> largest;  ///< By bytes, the largest first.
  };
  /// Looks at all partitions, holding each lock for some tens of nanoseconds per partition: for
  /// people who ask. Says about how things are, where they change meanwhile.
  PartitionUses LargestPartitions(std::size_t at_most) const;

 private:
  struct Entry;
  struct EntryDeleter {
    void operator()(Entry* entry) const;
  };
  using EntryPtr = std::unique_ptr<Entry, EntryDeleter>;
  struct Partition;
  class Shard;
  struct Counters;

  Shard& ShardFor(std::size_t hash) const;

  std::unique_ptr<Counters> counters_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_LOCAL_CACHE_H_
