// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_RECENCY_LIST_H_
#define TOKENSVC_CACHE_RECENCY_LIST_H_

namespace tokensvc {

/// The place of a `T` in one recency list.
template <class T>
struct RecencyLinks {
  T* newer = nullptr;
  T* older = nullptr;
};

/// An intrusive list that tells which of its members was unused for longest, by second chance: a
/// use sets a flag
/// (`used`), and only whoever looks for a victim moves what was used to the front. So a use writes
/// one byte, and finding a victim takes constant time on average. `T` has `RecencyLinks<T>
/// links[]`, of which this list uses number `kList`, and `bool used`. Does not own its members. Not
/// thread-safe.
template <class T, int kList>
class RecencyList {
 public:
  bool empty() const { return newest_ == nullptr; }
  /// The member that was put in last; null where there is none.
  const T* newest() const { return newest_; }

  void PushFront(T* member) {
    RecencyLinks<T>& links = member->links[kList];
    links.newer = nullptr;
    links.older = newest_;
    (newest_ == nullptr ? oldest_ : newest_->links[kList].newer) = member;
    newest_ = member;
  }

  void Remove(T* member) {
    RecencyLinks<T>& links = member->links[kList];
    (links.newer == nullptr ? newest_ : links.newer->links[kList].older) = links.older;
    (links.older == nullptr ? oldest_ : links.older->links[kList].newer) = links.newer;
    links = {};
  }

  /// The victim; it stays a member. The newest member is taken only when it is the only one. The
  /// list is not empty.
  T* TakeLeastRecent() {
    // Everything may have been used: after this many second chances the oldest goes all the same.
    for (int chances = 32; chances > 0 && oldest_->used && oldest_ != newest_; --chances) {
      T* spared = oldest_;
      spared->used = false;
      T* const front = newest_;
      Remove(spared);
      // Behind the newest: that one was stored just now, and is not the victim.
      InsertBehind(front, spared);
    }
    return oldest_;
  }

 private:
  void InsertBehind(T* place, T* member) {
    RecencyLinks<T>& links = member->links[kList];
    T* const older = place->links[kList].older;
    links.newer = place;
    links.older = older;
    (older == nullptr ? oldest_ : older->links[kList].newer) = member;
    place->links[kList].older = member;
  }

  T* newest_ = nullptr;
  T* oldest_ = nullptr;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_RECENCY_LIST_H_
