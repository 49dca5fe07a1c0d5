// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_REQUEST_QUEUE_H_
#define TOKENSVC_SERVICE_HTTP_REQUEST_QUEUE_H_

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "service/http/answer_time.h"
#include "service/http/fair_queue.h"

namespace tokensvc {

/// Decides which waiting request may start, so that no more connections are needed than allowed.
///
/// libcurl has such a queue of its own, but one for all hosts, of which a finished transfer wakes
/// the head only (curl 7.88, `process_pending_handles`): a hanging host would hold up the requests
/// to all others. Here each host has its own queue and hosts take turns, as those who wait for the
/// same host do (FairQueue). Not thread-safe.
class RequestQueue {
 public:
  using Id = FairQueue::Id;
  struct Limits {
    std::size_t connections_per_host;
    std::size_t connections;
    /// Requests at once to a host that speaks HTTP/2, over all of its connections.
    std::size_t streams;
    /// Requests in all, waiting or running.
    std::size_t requests;
  };

  explicit RequestQueue(const Limits& limits) : limits_(limits) {}
  RequestQueue(const RequestQueue&) = delete;
  RequestQueue& operator=(const RequestQueue&) = delete;

  /// Lets `id` (new) wait for its turn at `host`, in the line of `key`. False if there are too many
  /// already.
  bool Add(Id id, const std::string& host, const std::string& key);

  /// The next request that may start now, counted as running from here on; or nothing.
  std::optional<Id> Next();

  /// Forgets a request, waiting or running. Does nothing for an unknown one.
  void Remove(Id id);

  /// What is known of the speed of a waiting or running request's host. Forgotten with the host's
  /// last request; valid until then.
  AnswerTime& AnswerTimeFor(Id id) { return entries_.at(id).host->answer_time; }

  /// Notes whether the host of a running request answers several requests on one connection. Known
  /// as long as it has requests.
  void SetMultiplexed(Id id, bool multiplexed);

 private:
  struct Host {
    std::string name;
    FairQueue waiting;
    std::size_t running = 0;
    bool multiplexed = false;
    AnswerTime answer_time;
    /// This host's place in `turns_`; only while something waits.
    std::list<Host*>::iterator turn;
  };
  struct Entry {
    Host* host;
    bool running = false;
    FairQueue::Place place;  // unless it is running
  };

  std::size_t Connections(const Host& host) const;
  bool MayStart(const Host& host) const;

  const Limits limits_;
  std::size_t connections_ = 0;
  std::map<std::string, Host> hosts_;
  std::list<Host*> turns_;
  std::unordered_map<Id, Entry> entries_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_REQUEST_QUEUE_H_
