// SPDX-License-Identifier: Apache-2.0
#include "cache/local_rate_budget.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

std::string KeyOf(absl::string_view partition, const BudgetDraw& draw) {
  return absl::StrCat(partition.size(), ":", partition, draw.name);
}

std::vector<std::string> KeysOf(absl::string_view partition, const std::vector<BudgetDraw>& draws) {
  std::vector<std::string> keys;
  keys.reserve(draws.size());
  for (const BudgetDraw& draw : draws) keys.push_back(KeyOf(partition, draw));
  return keys;
}

}  // namespace

asio::awaitable<BudgetAnswer> LocalRateBudget::Take(std::string partition,
                                                    std::vector<BudgetDraw> draws) {
  co_return TakeNow(partition, draws);
}

BudgetAnswer LocalRateBudget::Look(absl::string_view partition,
                                   const std::vector<BudgetDraw>& draws) {
  const std::vector<std::string> keys = KeysOf(partition, draws);
  MutexLock lock(&mutex_);
  return LookLocked(keys, draws, clock_.Boot());
}

BudgetAnswer LocalRateBudget::TakeNow(absl::string_view partition,
                                      const std::vector<BudgetDraw>& draws) {
  const std::vector<std::string> keys = KeysOf(partition, draws);
  MutexLock lock(&mutex_);
  const BootTime now = clock_.Boot();
  BudgetAnswer answer = LookLocked(keys, draws, now);
  if (!answer.allowed()) return answer;
  for (std::size_t i = 0; i < draws.size(); ++i) {
    buckets_.With(keys[i],
                  [&](TokenBucket& bucket) { bucket.Take(draws[i].limit, /*count=*/1, now); });
  }
  return answer;
}

BudgetAnswer LocalRateBudget::LookLocked(const std::vector<std::string>& keys,
                                         const std::vector<BudgetDraw>& draws, BootTime now) {
  BudgetAnswer answer;
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const auto wait = buckets_.With(keys[i], [&](const TokenBucket& bucket) {
      return bucket.WaitFor(draws[i].limit, /*count=*/1, now);
    });
    if (wait.has_value() && absl::FromChrono(*wait) > answer.wait) {
      answer = {absl::FromChrono(*wait), i};
    }
  }
  return answer;
}

void LocalRateBudget::Refuse(absl::string_view partition, const BudgetDraw& draw,
                             absl::Duration wait) {
  const BootTime until = clock_.Boot() + ToNanos(wait);
  MutexLock lock(&mutex_);
  buckets_.With(KeyOf(partition, draw),
                [&](TokenBucket& bucket) { bucket.EmptyUntil(draw.limit, until); });
}

}  // namespace tokensvc
