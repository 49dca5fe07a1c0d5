// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_BOUNDED_TABLE_H_
#define TOKENSVC_BASE_BOUNDED_TABLE_H_

#include <openssl/sha.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace tokensvc {

/// Names that are longer are kept by their SHA-256, so that long ones take no more memory.
inline constexpr std::size_t kLongestTableKey = 256;

/// Small values by name, at most about so many: one that was not used for long leaves first (a
/// clock with a second chance, which costs a use nothing but a mark), so that names which others
/// choose cannot fill the memory. Thread-safe; a use holds one of several locks.
template <class Value>
class BoundedTable {
 public:
  explicit BoundedTable(std::size_t max_entries, std::size_t shards = 64)
      : most_(std::max<std::size_t>(max_entries / shards, 1)), shards_(shards) {}

  /// Returns what `use` makes of the value of `key`, which is `Value()` where there is none yet.
  /// Under the lock: `use` is quick, and does not come back here.
  template <class Use>
  auto With(absl::string_view key, Use use) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    if (key.size() > kLongestTableKey) {
      SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest);
      key = absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest));
    }
    // Other bits of it than those that the maps go by.
    Shard& shard = shards_[(absl::HashOf(key) >> 40) % shards_.size()];
    MutexLock lock(&shard.mutex);
    return use(shard.Find(key, most_));
  }

  std::size_t size() const {
    std::size_t size = 0;
    for (const Shard& shard : shards_) {
      MutexLock lock(&shard.mutex);
      size += shard.entries.size();
    }
    return size;
  }

 private:
  struct Entry {
    std::string key;
    bool used;  ///< Again, since it was added or last given a second chance.
    Value value;
  };
  struct alignas(64) Shard {
    Value& Find(absl::string_view key, std::size_t most) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      const auto found = by_key.find(key);
      if (found != by_key.end()) {
        found->second->used = true;
        return found->second->value;
      }
      if (entries.size() >= most) {
        while (entries.back().used) {
          entries.back().used = false;
          entries.splice(entries.begin(), entries, std::prev(entries.end()));
        }
        by_key.erase(entries.back().key);
        entries.pop_back();
      }
      entries.push_front(Entry{std::string(key), /*used=*/false, Value()});
      by_key.emplace(entries.front().key, entries.begin());
      return entries.front().value;
    }

    mutable Mutex mutex;
    std::list<Entry> entries ABSL_GUARDED_BY(mutex);  ///< The back is next to leave.
    absl::flat_hash_map<absl::string_view, typename std::list<Entry>::iterator> by_key
        ABSL_GUARDED_BY(mutex);
  };

  const std::size_t most_;  ///< In one shard.
  std::vector<Shard> shards_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_BOUNDED_TABLE_H_
