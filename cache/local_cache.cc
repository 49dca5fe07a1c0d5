// SPDX-License-Identifier: Apache-2.0
#include "cache/local_cache.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "base/mutex.h"
#include "cache/malloc_bytes.h"
#include "cache/recency_list.h"

namespace tokensvc {
namespace {

// A claim is good for a quarter of what is left of the token, within these: a refresh that failed
// is tried again in time, and not by every call.
constexpr auto kShortestClaim = std::chrono::seconds(1);
constexpr auto kLongestClaim = std::chrono::seconds(30);

/// A table's share of what it holds: a slot and a control byte, at 7/16 to 7/8 load.
constexpr std::size_t SlotBytes(std::size_t slot) { return (slot + 1) * 3 / 2; }

}  // namespace

/// What tenants share the cache by. Known by the hash of its name alone: where two names meet in
/// one hash, their tenants share one bound, which costs them nothing but room.
struct LocalCache::Partition {
  RecencyList<Entry, 1> entries;
  // In one word, since there may be as many of these as records. The count is for statistics alone:
  // it would begin anew at 16 million records of one tenant in one shard.
  std::size_t bytes : 40 = 0;
  std::size_t count : 24 = 0;
};

/// One key and its record, in the table of its shard and in two lists: of the shard and of its
/// partition. The key's bytes stand behind it in the same block of memory.
struct LocalCache::Entry {
  static EntryPtr Make(absl::string_view key, std::size_t hash, std::size_t partition,
                       std::shared_ptr<const TokenRecord> record) {
    return EntryPtr(new (::operator new(sizeof(Entry) + key.size()))
                        Entry(key, hash, partition, std::move(record)));
  }

  absl::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_bytes}; }

  const std::size_t hash;
  std::uint32_t key_bytes : 31;
  bool used : 1;  ///< Since it was last considered for eviction.
  std::uint32_t bytes;
  std::shared_ptr<const TokenRecord> record;
  BootTime next_claim;
  RecencyLinks<Entry> links[2];
  const std::size_t partition;

 private:
  Entry(absl::string_view the_key, std::size_t the_hash, std::size_t the_partition,
        std::shared_ptr<const TokenRecord> the_record)
      : hash(the_hash),
        key_bytes(static_cast<std::uint32_t>(the_key.size()) & 0x7fffffff),
        used(false),
        bytes(0),
        record(std::move(the_record)),
        next_claim(record->due()),
        partition(the_partition) {
    std::copy_n(the_key.data(), the_key.size(), reinterpret_cast<char*>(this + 1));
    const std::size_t all = record->MemoryBytes() + MallocBytes(sizeof(Entry) + the_key.size()) +
                            SlotBytes(sizeof(Entry*));
    bytes = static_cast<std::uint32_t>(std::min<std::size_t>(all, UINT32_MAX));
  }
};

void LocalCache::EntryDeleter::operator()(Entry* entry) const {
  entry->~Entry();
  ::operator delete(entry);
}

struct LocalCache::Counters {
  explicit Counters(MetricRegistry& registry)
      : evicted_full(Evictions(registry, "cache_full")),
        evicted_share(Evictions(registry, "tenant_share")),
        too_large(Evictions(registry, "too_large")),
        purged(Evictions(registry, "purged")) {}
  static Counter& Evictions(MetricRegistry& registry, const char* reason) {
    return registry.AddCounter(
        "tokensvc_local_cache_evictions_total",
        "Records that left the local cache before their time, or never got in.",
        {{"reason", reason}});
  }
  Counter& evicted_full;
  Counter& evicted_share;
  Counter& too_large;
  Counter& purged;
};

/// A part of the cache with a lock, a table and bounds of its own.
class LocalCache::Shard {
 public:
  Shard(std::size_t max_bytes, std::size_t max_partition_bytes, Counters* counters,
        const PurgeEpochs* purges)
      : max_bytes_(max_bytes),
        max_partition_bytes_(max_partition_bytes),
        counters_(counters),
        purges_(purges) {}

  ~Shard() { Clear(); }

  Hit Lookup(absl::string_view key, std::size_t hash, BootTime now) {
    EntryPtr over;  // freed without the lock
    MutexLock lock(&mutex_);
    Hit hit;
    table_.prefetch(Sought{key, hash});
    const auto found = table_.find(Sought{key, hash});
    if (found == table_.end()) return hit;
    Entry* entry = *found;
    if (now >= entry->record->usable_until()) {
      hit.expired = true;
      over = Remove(entry);
      return hit;
    }
    if (IsPurged(*entry)) {
      if (counters_ != nullptr) counters_->purged.Increment();
      over = Remove(entry);
      return hit;
    }
    entry->used = true;
    if (now >= entry->next_claim) {
      hit.refresh_claimed = true;
      entry->next_claim =
          now + std::clamp<BootClock::duration>((entry->record->usable_until() - now) / 4,
                                                kShortestClaim, kLongestClaim);
    }
    hit.record = entry->record;
    return hit;
  }

  std::shared_ptr<const TokenRecord> Peek(absl::string_view key, std::size_t hash) {
    MutexLock lock(&mutex_);
    const auto found = table_.find(Sought{key, hash});
    return found == table_.end() || IsPurged(**found) ? nullptr : (*found)->record;
  }

  std::shared_ptr<const TokenRecord> Store(absl::string_view key, std::size_t hash,
                                           absl::string_view partition,
                                           std::shared_ptr<const TokenRecord> record) {
    EntryPtr entry = Entry::Make(key, hash, absl::HashOf(partition), std::move(record));
    std::vector<EntryPtr> gone;  // freed without the lock
    MutexLock lock(&mutex_);
    if (const auto found = table_.find(Sought{key, hash}); found != table_.end()) {
      if ((*found)->record->generation() > entry->record->generation() && !IsPurged(**found)) {
        return (*found)->record;
      }
      gone.push_back(Remove(*found));
    }
    if (entry->bytes + kPartitionBytes > max_partition_bytes_) {
      if (counters_ != nullptr) counters_->too_large.Increment();
      return entry->record;
    }
    const auto [place, added] = partitions_.try_emplace(entry->partition);
    Partition& home = place->second;  // stays put: only an insertion moves partitions
    if (added) {
      home.bytes = kPartitionBytes;
      bytes_ += kPartitionBytes;
    }
    Entry* stored = entry.release();
    table_.insert(stored);
    recency_.PushFront(stored);
    home.entries.PushFront(stored);
    ++home.count;
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
    EntryPtr over;
    MutexLock lock(&mutex_);
    if (const auto found = table_.find(Sought{key, hash}); found != table_.end()) {
      over = Remove(*found);
    }
  }

  void Clear() {
    MutexLock lock(&mutex_);
    for (Entry* entry : table_) EntryDeleter()(entry);
    table_.clear();
    partitions_.clear();
    recency_ = {};
    bytes_ = 0;
  }

  Size size() {
    MutexLock lock(&mutex_);
    return {table_.size(), bytes_};
  }

  /// What each partition holds here.
  std::vector<std::pair<std::size_t, Size>> Partitions() {
    std::vector<std::pair<std::size_t, Size>> partitions;
    // Memory is made ready without the lock, and only copied to with it: look-ups wait meanwhile.
    for (std::size_t count = CountPartitions(); true; count += count / 8 + 1) {
      partitions.resize(count);
      MutexLock lock(&mutex_);
      if (partitions_.size() > count) continue;
      partitions.clear();
      for (const auto& [partition, home] : partitions_) {
        partitions.emplace_back(partition, Size{home.count, home.bytes});
      }
      return partitions;
    }
  }

  /// The key of one record of `partition`; empty where there is none here.
  std::string SampleKey(std::size_t partition) {
    MutexLock lock(&mutex_);
    const auto home = partitions_.find(partition);
    return home == partitions_.end() ? std::string()
                                     : std::string(home->second.entries.newest()->key());
  }

 private:
  std::size_t CountPartitions() {
    MutexLock lock(&mutex_);
    return partitions_.size();
  }

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
      return a->hash == b.hash && a->key() == b.key;
    }
    bool operator()(const Sought& a, const Entry* b) const { return (*this)(b, a); }
  };

  bool IsPurged(const Entry& entry) const {
    return purges_ != nullptr && !purges_->IsFresh(*entry.record);
  }

  /// Takes `entry` out of everything; its partition goes with its last entry.
  EntryPtr Remove(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    table_.erase(entry);
    recency_.Remove(entry);
    const auto home = partitions_.find(entry->partition);
    home->second.entries.Remove(entry);
    home->second.bytes -= entry->bytes;
    --home->second.count;
    bytes_ -= entry->bytes;
    if (home->second.entries.empty()) {
      bytes_ -= home->second.bytes;
      partitions_.erase(home);
    }
    return EntryPtr(entry);
  }

  static constexpr std::size_t kPartitionBytes =
      SlotBytes(sizeof(std::pair<std::size_t, Partition>));

  const std::size_t max_bytes_;
  const std::size_t max_partition_bytes_;
  Counters* const counters_;
  const PurgeEpochs* const purges_;
  Mutex mutex_;
  absl::flat_hash_set<Entry*, Hash, Equal> table_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::size_t, Partition> partitions_ ABSL_GUARDED_BY(mutex_);
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
  const std::size_t max_partition_bytes =
      options.max_bytes *
      static_cast<std::size_t>(std::clamp(options.tenant_share_percent, 1, 100)) / 100;
  const std::size_t shards = std::clamp<std::size_t>(max_partition_bytes / kLeastPartitionBytes, 1,
                                                     std::max<std::size_t>(1, options.shards));
  for (std::size_t i = 0; i < shards; ++i) {
    shards_.push_back(std::make_unique<Shard>(
        options.max_bytes / shards, max_partition_bytes / shards, counters_.get(), options.purges));
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

LocalCache::PartitionUses LocalCache::LargestPartitions(std::size_t at_most) const {
  absl::flat_hash_map<std::size_t, Size> sum;
  for (const auto& shard : shards_) {
    for (const auto& [partition, size] : shard->Partitions()) {
      Size& of_partition = sum[partition];
      of_partition.bytes += size.bytes;
      of_partition.entries += size.entries;
    }
  }
  PartitionUses uses;
  uses.partitions = sum.size();
  std::vector<std::pair<std::size_t, Size>> ranked(sum.begin(), sum.end());
  const auto end = ranked.begin() + static_cast<std::ptrdiff_t>(std::min(at_most, ranked.size()));
  std::partial_sort(ranked.begin(), end, ranked.end(), [](const auto& a, const auto& b) {
    return a.second.bytes != b.second.bytes ? a.second.bytes > b.second.bytes : a.first < b.first;
  });
  for (auto each = ranked.begin(); each != end; ++each) {
    PartitionUse use;
    use.size = each->second;
    for (const auto& shard : shards_) {
      use.sample_key = shard->SampleKey(each->first);
      if (!use.sample_key.empty()) break;
    }
    // A partition that has emptied meanwhile is none.
    if (!use.sample_key.empty()) uses.largest.push_back(std::move(use));
  }
  return uses;
}

}  // namespace tokensvc
