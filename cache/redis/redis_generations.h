// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_GENERATIONS_H_
#define TOKENSVC_CACHE_REDIS_REDIS_GENERATIONS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "asio/awaitable.hpp"
#include "cache/blob_store.h"
#include "cache/fleet_clock.h"
#include "cache/generation_floors.h"
#include "cache/lease.h"

namespace tokensvc {

/// Generations that the shared store hands out, without leases: everybody acquires. While the store
/// does not answer, or with what cannot be true, the result is kError with a generation of this
/// replica's own, from its clock. None is ever smaller than what this process has seen of the key:
/// its own caches would refuse the record.
///
/// Belongs to one event loop.
class RedisGenerations final : public LeaseManager {
 public:
  /// Makes the key in the store of a record's canonical key.
  using BlobKey = std::function<std::string(const std::string& key)>;

  /// `floors` and `own_floor` are shared by all loops of the process. `own_floor`, zero at first,
  /// is the greatest generation that was made here while the store did not answer. All references
  /// outlive this.
  RedisGenerations(BlobStore& store, BlobKey blob_key, const FleetClock& fleet_clock,
                   GenerationFloors& floors, std::atomic<std::uint64_t>& own_floor);

  asio::awaitable<Lease> Acquire(std::string key) override;
  asio::awaitable<void> Release(std::string key, Lease lease) override;

 private:
  /// The store's clock, as far as this replica knows it.
  std::uint64_t FleetMicros() const;
  std::uint64_t OwnGeneration();

  BlobStore& store_;
  const BlobKey blob_key_;
  const FleetClock& fleet_clock_;
  GenerationFloors& floors_;
  std::atomic<std::uint64_t>& own_floor_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_GENERATIONS_H_
