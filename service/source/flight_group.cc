// SPDX-License-Identifier: Apache-2.0
#include "service/source/flight_group.h"

#include <utility>

#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/use_awaitable.hpp"

namespace tokensvc {

std::shared_ptr<FlightGroup::Flight> FlightGroup::FlightFor(const std::string& key, Join join,
                                                            Body body) {
  const auto found = slots_.find(key);
  if (found == slots_.end()) {
    auto flight = std::make_shared<Flight>();
    flight->body = std::move(body);
    Start(key, flight);
    return flight;
  }
  Slot& slot = found->second;
  if (join == Join::kRunning) return slot.running;
  if (slot.next == nullptr) {
    slot.next = std::make_shared<Flight>();
    slot.next->body = std::move(body);
  }
  return slot.next;
}

void FlightGroup::Start(const std::string& key, std::shared_ptr<Flight> flight) {
  slots_[key].running = flight;
  asio::co_spawn(executor_, Run(key, std::move(flight)), asio::detached);
}

asio::awaitable<void> FlightGroup::Run(std::string key, std::shared_ptr<Flight> flight) {
  try {
    FlightResult result = co_await flight->body();
    flight->result.emplace(std::move(result));
  } catch (const std::exception&) {
    // Foreign code threw (no memory, say): nobody may wait for this flight for ever.
    flight->result.emplace(Error());
  }
  flight->body = nullptr;  // what it captured is not needed any more
  for (asio::steady_timer* waiter : flight->waiters) waiter->cancel();

  const auto slot = slots_.find(key);
  std::shared_ptr<Flight> next = std::move(slot->second.next);
  if (next == nullptr) {
    slots_.erase(slot);
  } else {
    Start(key, std::move(next));
  }
}

asio::awaitable<std::optional<FlightResult>> FlightGroup::Wait(
    std::string key, Join join, Body body, asio::steady_timer::time_point deadline) {
  const std::shared_ptr<Flight> flight = FlightFor(key, join, std::move(body));
  if (!flight->result.has_value() && !abandoned_) {
    asio::steady_timer timer(executor_, deadline);
    const auto place = flight->waiters.insert(flight->waiters.end(), &timer);
    // Ends at the deadline, or when the flight cancels it.
    co_await timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    flight->waiters.erase(place);
  }
  co_return flight->result;
}

void FlightGroup::Abandon() {
  abandoned_ = true;
  for (auto& [key, slot] : slots_) {
    for (const std::shared_ptr<Flight>& flight : {slot.running, slot.next}) {
      if (flight == nullptr) continue;
      for (asio::steady_timer* waiter : flight->waiters) waiter->cancel();
    }
  }
}

void FlightGroup::StartInBackground(const std::string& key, Body body) {
  if (slots_.contains(key)) return;
  auto flight = std::make_shared<Flight>();
  flight->body = std::move(body);
  Start(key, std::move(flight));
}

}  // namespace tokensvc
