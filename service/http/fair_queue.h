// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_FAIR_QUEUE_H_
#define TOKENSVC_SERVICE_HTTP_FAIR_QUEUE_H_

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

namespace tokensvc {

/// What waits, in the order in which it is served: keys take turns, and within a key the first come
/// is the first served. So a key with one entry waits for at most one of every other key, however
/// many those have. Every operation is O(1); memory is that of what waits. Not thread-safe.
class FairQueue {
 public:
  using Id = std::uint64_t;

 private:
  struct Line {
    std::string key;
    std::list<Id> waiting;  // never empty
    std::list<Line*>::iterator turn;
  };

 public:
  /// Where an entry waits: valid until it is popped or erased.
  class Place {
    friend class FairQueue;
    Line* line = nullptr;
    std::list<Id>::iterator at;
  };

  FairQueue() = default;
  FairQueue(const FairQueue&) = delete;
  FairQueue& operator=(const FairQueue&) = delete;

  bool empty() const { return turns_.empty(); }

  /// Lets `id` wait behind the others of its key. A key that has nothing waiting gets the last
  /// turn.
  Place Push(const std::string& key, Id id);

  /// Takes the next one out, whose key then has the last turn. Not on an empty queue.
  Id Pop();

  /// Takes one out that gave up.
  void Erase(const Place& place);

 private:
  void EndIfEmpty(Line& line);

  std::unordered_map<std::string, Line> lines_;
  std::list<Line*> turns_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_FAIR_QUEUE_H_
