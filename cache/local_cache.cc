// SPDX-License-Identifier: Apache-2.0
#include "cache/local_cache.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "base/mutex.h"
#include "cache/recency_list.h"

namespace tokensvc {
namespace {

// A claim is good for a quarter of what is left of the token, within these: a refresh that failed
// is tried again in time, and not by every call.
constexpr auto kShortestClaim = std::chrono::seconds(1);
constexpr auto kLongestClaim = std::chrono::seconds(30);

/// The hash table's share of an entry: a pointer and a control byte, at 7/16 to 7/8 load.
constexpr std::size_t kSlotBytes = 16;

}  // namespace

struct LocalCache::Partition {
  /// What a partition takes besides its entries: where every tenant has one small token, that is a
  /// third of all. Itself, its place in the map at 7/16 to 7/8 load, and its name in both.
  static std::size_t OwnBytes(absl::string_view name) {
    const std::size_t name_bytes = name.size() > 15 ? (name.size() + 24) / 16 * 16 : 0;
    return 64 + 64 + 2 * name_bytes;
  }

  std::string name;
  RecencyList<Entry, 1> entries;
  std::size_t bytes = 0;
};

/// One key and its record, in the table of its shard and in two lists: of the shard and of its
/// partition.
struct LocalCache::Entry {
  std::shared_ptr<const TokenRecord> record;
  Partition* partition = nullptr;
  BootTime next_claim;
  RecencyLinks<Entry> links[2];
  std::size_t hash = 0;
  std::uint32_t bytes = 0;
  bool used = false;  ///< Since it was last considered for eviction.
  std::string key;
};

struct LocalCache::Counters {
  explicit Counters(MetricRegistry& registry)
      : evicted_full(Evictions(registry, "cache_full")),
        evicted_share(Evictions(registry, "tenant_share")),
        too_large(Evictions(registry, "too_large")) {}
  static Counter& Evictions(MetricRegistry& registry, const char* reason) {
    return registry.AddCounter(
        "tokensvc_local_cache_evictions_total",
        "Records that left the local cache before their time, or never got in.",
        {{"reason", reason}});
  }
  Counter& evicted_full;
  Counter& evicted_share;
  Counter& too_large;
};

/// A part of the cache with a lock, a table and bounds of its own.
class LocalCache::Shard {
 public:
  Shard(std::size_t max_bytes, std::size_t max_partition_bytes, Counters* counters)
      : max_bytes_(max_bytes), max_partition_bytes_(max_partition_bytes), counters_(counters) {}

  ~Shard() { Clear(); }

  Hit Lookup(absl::string_view key, std::size_t hash, BootTime now) {
    std::unique_ptr<Entry> over;  // freed without the lock
    MutexLock lock(&mutex_);
    Hit hit;
    const auto found = table_.find(Sought{key, hash});
    if (found == table_.end()) return hit;
    Entry* entry = *found;
    if (now >= entry->record->usable_until) {
      hit.expired = true;
      over = Remove(entry);
      return hit;
    }
    entry->used = true;
    if (now >= entry->next_claim) {
      hit.refresh_claimed = true;
      entry->next_claim =
          now + std::clamp<BootClock::duration>((entry->record->usable_until - now) / 4,
                                                kShortestClaim, kLongestClaim);
    }
    hit.record = entry->record;
    return hit;
  }

  std::shared_ptr<const TokenRecord> Peek(absl::string_view key, std::size_t hash) {
    MutexLock lock(&mutex_);
    const auto found = table_.find(Sought{key, hash});
    return found == table_.end() ? nullptr : (*found)->record;
  }

  std::shared_ptr<const TokenRecord> Store(absl::string_view key, std::size_t hash,
                                           absl::string_view partition,
                                           std::shared_ptr<const TokenRecord> record) {
    auto entry = std::make_unique<Entry>();
    entry->key = std::string(key);
    entry->hash = hash;
    entry->next_claim = record->due;
    const std::size_t bytes =
        record->MemoryBytes() + sizeof(Entry) + entry->key.capacity() + 2 * 16 + kSlotBytes;
    entry->bytes = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX));
    entry->record = std::move(record);

    std::vector<std::unique_ptr<Entry>> gone;  // freed without the lock
    MutexLock lock(&mutex_);
    if (const auto found = table_.find(Sought{key, hash}); found != table_.end()) {
      if ((*found)->record->generation > entry->record->generation) return (*found)->record;
      gone.push_back(Remove(*found));
    }
    if (bytes + Partition::OwnBytes(partition) > max_partition_bytes_) {
      if (counters_ != nullptr) counters_->too_large.Increment();
      return entry->record;
    }
    Partition& home = PartitionFor(partition);
    entry->partition = &home;
    Entry* stored = entry.release();
    table_.insert(stored);
    recency_.PushFront(stored);
    home.entries.PushFront(stored);
    bytes_ += stored->bytes;
    home.bytes += stored->bytes;

    // The new entry is the most recent of both lists and fits by itself, so it never goes here.
    while (home.bytes > max_partition_bytes_) {
      if (counters_ != nullptr) counters_->evicted_share.Increment();
      gone.push_back(Remove(home.entries.TakeLeastRecent()));
    }
    while (bytes_ > max_bytes_) {
      if (counters_ != nullptr) counters_->evicted_full.Increment();
      gone.push_back(Remove(recency_.TakeLeastRecent()));
    }
    return stored->record;
  }

  void Erase(absl::string_view key, std::size_t hash) {
    std::unique_ptr<Entry> over;
    MutexLock lock(&mutex_);
    if (const auto found = table_.find(Sought{key, hash}); found != table_.end()) {
      over = Remove(*found);
    }
  }

  void Clear() {
    MutexLock lock(&mutex_);
    for (Entry* entry : table_) delete entry;
    table_.clear();
    partitions_.clear();
    recency_ = {};
    bytes_ = 0;
  }

  Size size() {
    MutexLock lock(&mutex_);
    return {table_.size(), bytes_};
  }

 private:
  struct Sought {
    absl::string_view key;
    std::size_t hash;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Entry* entry) const { return entry->hash; }
    std::size_t operator()(const Sought& sought) const { return sought.hash; }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Entry* a, const Entry* b) const { return a == b; }
    // The whole key decides; the hash only spares most comparisons.
    bool operator()(const Entry* a, const Sought& b) const {
      return a->hash == b.hash && a->key == b.key;
    }
    bool operator()(const Sought& a, const Entry* b) const { return (*this)(b, a); }
  };

  Partition& PartitionFor(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::unique_ptr<Partition>& partition = partitions_[name];
    if (partition == nullptr) {
      partition = std::make_unique<Partition>();
      partition->name = std::string(name);
      partition->bytes = Partition::OwnBytes(name);
      bytes_ += partition->bytes;
    }
    return *partition;
  }

  /// Takes `entry` out of everything; its partition goes with its last entry.
  std::unique_ptr<Entry> Remove(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    table_.erase(entry);
    recency_.Remove(entry);
    entry->partition->entries.Remove(entry);
    bytes_ -= entry->bytes;
    entry->partition->bytes -= entry->bytes;
    if (entry->partition->entries.empty()) {
      bytes_ -= entry->partition->bytes;
      partitions_.erase(entry->partition->name);
    }
    return std::unique_ptr<Entry>(entry);
  }

  const std::size_t max_bytes_;
  const std::size_t max_partition_bytes_;
  Counters* const counters_;
  Mutex mutex_;
  absl::flat_hash_set<Entry*, Hash, Equal> table_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::unique_ptr<Partition>> partitions_ ABSL_GUARDED_BY(mutex_);
  RecencyList<Entry, 0> recency_ ABSL_GUARDED_BY(mutex_);
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

LocalCache::LocalCache(Options options) {
  if (options.metrics != nullptr) {
    counters_ = std::make_unique<Counters>(*options.metrics);
    options.metrics->AddComputed("tokensvc_local_cache_bytes",
                                 "Bytes that the local cache holds, keys and bookkeeping included.",
                                 [this] { return static_cast<double>(size().bytes); });
    options.metrics->AddComputed("tokensvc_local_cache_entries", "Records in the local cache.",
                                 [this] { return static_cast<double>(size().entries); });
  }
  const std::size_t shards = std::max<std::size_t>(1, options.shards);
  const std::size_t max_bytes = options.max_bytes / shards;
  const std::size_t max_partition_bytes =
      max_bytes / 100 * static_cast<std::size_t>(std::clamp(options.tenant_share_percent, 1, 100));
  for (std::size_t i = 0; i < shards; ++i) {
    shards_.push_back(std::make_unique<Shard>(max_bytes, max_partition_bytes, counters_.get()));
  }
}

LocalCache::~LocalCache() = default;

LocalCache::Shard& LocalCache::ShardFor(std::size_t hash) const {
  // The table uses the low bits; the shard takes higher ones, so that a shard's hashes still
  // differ.
  return *shards_[(hash >> 40) % shards_.size()];
}

LocalCache::Hit LocalCache::Lookup(absl::string_view key, BootTime now) {
  const std::size_t hash = absl::HashOf(key);
  return ShardFor(hash).Lookup(key, hash, now);
}

std::shared_ptr<const TokenRecord> LocalCache::Peek(absl::string_view key) const {
  const std::size_t hash = absl::HashOf(key);
  return ShardFor(hash).Peek(key, hash);
}

std::shared_ptr<const TokenRecord> LocalCache::Store(absl::string_view key,
                                                     absl::string_view partition,
                                                     std::shared_ptr<const TokenRecord> record) {
  const std::size_t hash = absl::HashOf(key);
  return ShardFor(hash).Store(key, hash, partition, std::move(record));
}

void LocalCache::Erase(absl::string_view key) {
  const std::size_t hash = absl::HashOf(key);
  ShardFor(hash).Erase(key, hash);
}

void LocalCache::Clear() {
  for (const auto& shard : shards_) shard->Clear();
}

LocalCache::Size LocalCache::size() const {
  Size sum;
  for (const auto& shard : shards_) {
    const Size size = shard->size();
    sum.entries += size.entries;
    sum.bytes += size.bytes;
  }
  return sum;
}

}  // namespace tokensvc
