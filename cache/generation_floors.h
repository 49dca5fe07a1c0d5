// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_GENERATION_FLOORS_H_
#define TOKENSVC_CACHE_GENERATION_FLOORS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace tokensvc {

/// The newest generation of each key that this process has seen, so that nobody who can write to
/// the shared store can make it go back to an older record. In a fixed amount of memory: where too
/// many keys meet, the one of the smallest generation, which is the one written longest ago, is
/// forgotten. Thread-safe.
class GenerationFloors {
 public:
  /// Room for about `keys` of them, 16 bytes each.
  explicit GenerationFloors(std::size_t keys = std::size_t{1} << 16)
      : sets_(std::max<std::size_t>(1, keys / kWays)) {}

  struct Seen {
    std::uint64_t generation = 0;  ///< 0: none was seen, or it was forgotten.
    /// Not known to have been in the shared store: a record of this process, which is about to be
    /// stored, or was refused. That the store has an older one is then nobody's doing.
    bool unstored = false;
  };

  /// Remembers `generation`, which was in the shared store, and returns true, unless a greater one
  /// of this key was seen.
  bool Raise(absl::string_view key, std::uint64_t generation) {
    return Raise(key, Seen{generation, false});
  }

  bool Raise(absl::string_view key, Seen seen) {
    const std::uint64_t hash = absl::HashOf(key);
    MutexLock lock(&mutex_);
    Set& set = sets_[hash % sets_.size()];
    Slot* slot = Find(set, hash);
    if (slot == nullptr) {
      slot = &*std::min_element(set.begin(), set.end(), [](const Slot& a, const Slot& b) {
        return a.generation() < b.generation();
      });
      *slot = {hash, 0};
    }
    if (seen.generation < slot->generation()) return false;
    // What was stored stays so.
    if (seen.generation == slot->generation() && !slot->unstored()) return true;
    slot->generation_and_mark = seen.generation << 1 | (seen.unstored ? 1 : 0);
    return true;
  }

  /// The greatest generation of `key` that was seen; 0: none, or it was forgotten.
  std::uint64_t Floor(absl::string_view key) { return Newest(key).generation; }

  Seen Newest(absl::string_view key) {
    const std::uint64_t hash = absl::HashOf(key);
    MutexLock lock(&mutex_);
    const Slot* slot = Find(sets_[hash % sets_.size()], hash);
    return slot == nullptr ? Seen() : Seen{slot->generation(), slot->unstored()};
  }

 private:
  static constexpr std::size_t kWays = 8;

  /// Two keys of one 64-bit hash share a slot: at worst a record is fetched that was there.
  struct Slot {
    std::uint64_t generation() const { return generation_and_mark >> 1; }
    bool unstored() const { return (generation_and_mark & 1) != 0; }

    std::uint64_t hash = 0;
    std::uint64_t generation_and_mark = 0;  // Generations are below 2^53.
  };
  using Set = std::array<Slot, kWays>;

  static Slot* Find(Set& set, std::uint64_t hash) {
    for (Slot& slot : set) {
      if (slot.hash == hash && slot.generation() > 0) return &slot;
    }
    return nullptr;
  }

  Mutex mutex_;
  std::vector<Set> sets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_GENERATION_FLOORS_H_
