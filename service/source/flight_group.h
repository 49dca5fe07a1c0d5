// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_FLIGHT_GROUP_H_
#define TOKENSVC_SERVICE_SOURCE_FLIGHT_GROUP_H_

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "asio/any_io_executor.hpp"
#include "asio/awaitable.hpp"
#include "asio/steady_timer.hpp"
#include "cache/token_record.h"
#include "service/authority/error.h"

namespace tokensvc {

/// What a flight brings: a record that is in the local cache by then, and where it was found.
struct FlightOutcome {
  std::shared_ptr<const TokenRecord> record;
  bool from_shared_cache = false;
  /// Set, with no record: the flight was refused for the share of the caller that began it.
  std::optional<Error> refused_to_first;
};
using FlightResult = Result<FlightOutcome>;

/// The running attempts to get tokens, one per key, each waited for by any number of calls. Belongs
/// to one event loop; not thread-safe. Must outlive the coroutines of its loop.
class FlightGroup {
 public:
  /// Fetches; called once per flight, on the loop.
  using Body = std::function<asio::awaitable<FlightResult>()>;

  /// Which flight a call may wait for.
  enum class Join {
    kRunning,  ///< One that runs already, or a new one.
    /// Only one that starts from now on: what runs now may have asked the authority before the
    /// caller's reason to ask anew existed. All calls that come during a flight share the next one.
    kNext,
  };

  explicit FlightGroup(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// Waits for the flight of `key`, which `body` starts where there is none to join, until
  /// `deadline`. None: the deadline came first; the flight goes on for the others.
  asio::awaitable<std::optional<FlightResult>> Wait(std::string key, Join join, Body body,
                                                    asio::steady_timer::time_point deadline);

  /// Starts a flight for `key` that nobody waits for, unless one runs.
  void StartInBackground(const std::string& key, Body body);

  /// Ends every wait, now and from now on, as if its deadline had come.
  void Abandon();

  /// Flights that run or stand by.
  std::size_t size() const { return slots_.size(); }

 private:
  struct Flight {
    Body body;
    std::optional<FlightResult> result;
    std::list<asio::steady_timer*> waiters;
  };
  struct Slot {
    std::shared_ptr<Flight> running;
    std::shared_ptr<Flight> next;
  };

  std::shared_ptr<Flight> FlightFor(const std::string& key, Join join, Body body);
  void Start(const std::string& key, std::shared_ptr<Flight> flight);
  asio::awaitable<void> Run(std::string key, std::shared_ptr<Flight> flight);

  const asio::any_io_executor executor_;
  absl::flat_hash_map<std::string, Slot> slots_;
  bool abandoned_ = false;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_FLIGHT_GROUP_H_
