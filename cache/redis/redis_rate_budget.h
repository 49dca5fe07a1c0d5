// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_RATE_BUDGET_H_
#define TOKENSVC_CACHE_REDIS_REDIS_RATE_BUDGET_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "asio/awaitable.hpp"
#include "base/metrics.h"
#include "cache/local_rate_budget.h"
#include "cache/rate_budget.h"
#include "cache/redis/redis_client.h"
#include "cache/redis/redis_script.h"

namespace tokensvc {

/// Budgets that all replicas share: in Redis, each is one key with the time at which it is full
/// again, on Redis' own clock, and gone by itself from then on. One script looks at all draws and
/// takes from all or none.
///
/// This replica's own budgets, of the same limits, are asked first: what it has used up alone, or
/// was refused a moment ago, costs Redis nothing; and they hold while Redis does not answer, or
/// with what cannot be true. The fleet then uses as many budgets as it has replicas, at the worst.
/// Belongs to one event loop.
class RedisRateBudget final : public RateBudget {
 public:
  /// Makes the key in Redis of a budget. Those of one partition have one hash tag.
  using KeyMaker =
      std::function<std::string(const std::string& partition, const std::string& name)>;

  /// `unshared` counts answers that Redis had no part in though it was asked. All references
  /// outlive this.
  RedisRateBudget(RedisClient& client, KeyMaker key_of, LocalRateBudget& local, Counter& unshared);

  asio::awaitable<BudgetAnswer> Take(std::string partition, std::vector<BudgetDraw> draws) override;
  BudgetAnswer Look(absl::string_view partition, const std::vector<BudgetDraw>& draws) override {
    return local_.Look(partition, draws);
  }

 private:
  asio::awaitable<absl::StatusOr<BudgetAnswer>> Ask(const std::string& partition,
                                                    const std::vector<BudgetDraw>& draws);

  RedisClient& client_;
  const KeyMaker key_of_;
  LocalRateBudget& local_;
  Counter& unshared_;
  const RedisScript take_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_RATE_BUDGET_H_
