// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_AUTHORITY_BUDGET_H_
#define TOKENSVC_SERVICE_SOURCE_AUTHORITY_BUDGET_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "asio/awaitable.hpp"
#include "base/metrics.h"
#include "cache/lease.h"
#include "cache/rate_budget.h"
#include "service/authority/error.h"
#include "service/source/app_token_request.h"

namespace tokensvc {

/// How much of an authority's patience the fleet uses for one tenant, one caller of it, and forced
/// refreshes (DESIGN.md §2, invariants 5 and 10): so that neither a caller that invents scopes nor
/// one that always forces makes an authority throttle everybody. Thread-safe.
class AuthorityBudget {
 public:
  struct Limits {
    int requests_per_minute = 6000;
    int forced_refreshes_per_minute = 60;
  };

  AuthorityBudget(Limits limits, MetricRegistry& metrics);

  /// Why `request` may not set off a flight: its caller's share is used up, as far as this replica
  /// knows. Asked first, so that nobody else waits for a flight that such a caller began.
  std::optional<Error> OverShare(RateBudget& budget, const AppTokenRequest& request);

  /// What a flight may do.
  struct Permission {
    Lease lease;
    std::optional<Error> refusal;  ///< The budget's; the lease is to be given back all the same.
    bool of_caller = false;        ///< It is for the caller's share alone: others may try.
  };
  /// Takes from `budget` and acquires the lease of `key` at the same time, so that a budget in the
  /// shared store costs no time that the lease does not, also while the store hangs.
  asio::awaitable<Permission> Acquire(RateBudget& budget, LeaseManager& leases,
                                      std::shared_ptr<const AppTokenRequest> request,
                                      std::string key);

 private:
  /// What one flight for `request` draws on, within `PartitionOf(request)`: of all, and of its
  /// caller. One caller may have half of a budget; a refresh behind an answer is nobody's, since it
  /// comes once in a token's life.
  std::vector<BudgetDraw> OfAll(const AppTokenRequest& request) const;
  std::vector<BudgetDraw> OfCaller(const AppTokenRequest& request) const;
  Error Exceeded(const BudgetDraw& draw, absl::Duration wait);

  const RateLimit all_;
  const RateLimit of_caller_;
  const RateLimit forced_;
  const RateLimit forced_of_caller_;
  Counter& refused_;
  Counter& refused_forced_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_AUTHORITY_BUDGET_H_
