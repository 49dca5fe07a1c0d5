// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_RATE_BUDGET_H_
#define TOKENSVC_CACHE_RATE_BUDGET_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "asio/awaitable.hpp"
#include "base/token_bucket.h"

namespace tokensvc {

/// One budget that something is taken from.
struct BudgetDraw {
  std::string name;  ///< Within the partition.
  RateLimit limit;
};

/// What was taken.
struct BudgetAnswer {
  absl::Duration wait;       ///< Zero: one of each budget. Else nothing; come back after it.
  std::size_t short_of = 0;  ///< Where nothing: the draw, by its place, that waits longest.

  bool allowed() const { return wait == absl::ZeroDuration(); }
};

/// Budgets of so many within a time, which replicas share where they can. Belongs to one event
/// loop.
class RateBudget {
 public:
  virtual ~RateBudget() = default;

  /// Takes one from each of `draws`, or nothing from any. Ends within the bound of an operation of
  /// the store below, and never fails: without the store, this replica keeps the budget for itself.
  virtual asio::awaitable<BudgetAnswer> Take(std::string partition,
                                             std::vector<BudgetDraw> draws) = 0;

  /// What `Take` would answer, as far as this replica knows. At once, and takes nothing.
  virtual BudgetAnswer Look(absl::string_view partition, const std::vector<BudgetDraw>& draws) = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_RATE_BUDGET_H_
