// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_generations.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

namespace tokensvc {

RedisGenerations::RedisGenerations(BlobStore& store, BlobKey blob_key,
                                   const FleetClock& fleet_clock, GenerationFloors& floors,
                                   std::atomic<std::uint64_t>& own_floor)
    : store_(store),
      blob_key_(std::move(blob_key)),
      fleet_clock_(fleet_clock),
      floors_(floors),
      own_floor_(own_floor) {}

asio::awaitable<Lease> RedisGenerations::Acquire(std::string key) {
  std::string blob_key = blob_key_(key);
  const absl::StatusOr<std::uint64_t> generation =
      co_await store_.NextGeneration(std::move(blob_key));
  Lease lease;
  // The scripts hand out nothing beyond one lead: whoever answers more is no Redis of ours, and
  // what it says would stay in the floors.
  if (generation.ok() && *generation <= FleetMicros() + 2 * kMaxGenerationLead) {
    lease.state = Lease::State::kAcquired;
    // A record that was fetched while the store was away lies in the local cache with a generation
    // that the store never saw.
    lease.generation = std::max(*generation, own_floor_.load(std::memory_order_relaxed) + 1);
  } else {
    lease.state = Lease::State::kError;
    lease.generation = OwnGeneration();
  }
  lease.generation = std::max(lease.generation, floors_.Floor(key) + 1);
  co_return lease;
}

asio::awaitable<void> RedisGenerations::Release(std::string, Lease) { co_return; }

std::uint64_t RedisGenerations::FleetMicros() const {
  const std::int64_t now = absl::ToUnixMicros(fleet_clock_.Estimate());
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now, 1));
}

std::uint64_t RedisGenerations::OwnGeneration() {
  const std::uint64_t by_clock = FleetMicros();
  std::uint64_t floor = own_floor_.load(std::memory_order_relaxed);
  std::uint64_t generation = 0;
  do {
    generation = std::max(floor + 1, by_clock);
  } while (!own_floor_.compare_exchange_weak(floor, generation, std::memory_order_relaxed));
  return generation;
}

}  // namespace tokensvc
