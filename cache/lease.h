// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_LEASE_H_
#define TOKENSVC_CACHE_LEASE_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "asio/awaitable.hpp"

namespace tokensvc {

/// The right to fetch one token, for a while, among all replicas. It saves requests; what keeps an
/// older token from replacing a newer one is the generation (DESIGN.md §5).
struct Lease {
  enum class State {
    kAcquired,  ///< This replica fetches.
    kHeld,      ///< Another one does.
    kError,     ///< Nobody knows: fetch, within this replica's own bounds.
  };
  State state = State::kError;
  /// Greater than that of every record of this key that was fetched under an earlier lease.
  std::uint64_t generation = 0;
};

/// Gives leases. One for each event loop; not thread-safe.
class LeaseManager {
 public:
  virtual ~LeaseManager() = default;
  virtual asio::awaitable<Lease> Acquire(std::string key) = 0;
  /// Gives the lease back, if it still is the caller's.
  virtual asio::awaitable<void> Release(std::string key, Lease lease) = 0;
};

/// Leases among the loops of one process: flights are one per key already, so every request gets
/// one, and a generation in the order of asking. `generations` is shared by all loops.
class LocalLeases final : public LeaseManager {
 public:
  explicit LocalLeases(std::atomic<std::uint64_t>& generations) : generations_(generations) {}

  asio::awaitable<Lease> Acquire(std::string) override {
    co_return Lease{Lease::State::kAcquired, generations_.fetch_add(1) + 1};
  }
  asio::awaitable<void> Release(std::string, Lease) override { co_return; }

 private:
  std::atomic<std::uint64_t>& generations_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_LEASE_H_
