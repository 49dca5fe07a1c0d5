// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_rate_budget.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

// KEYS: the budgets. ARGV: of each, how long one takes to come back and how long a burst does, in
// µs. Answers how long to wait in µs (0: one was taken from each) and for which budget, from 1 on.
//
// A key holds the time at which its budget is full again, as TokenBucket has it. What is no such
// time counts as none; one that is further away than an empty bucket (somebody else's, or of a
// clock that was put back) as that of an empty bucket, so that no value closes a budget for longer.
constexpr char kTake[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000000 + time[2]\n"
    "local wait, short, full = 0, 0, {}\n"
    "for i = 1, #KEYS do\n"
    "  local one, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])\n"
    "  local stored = redis.pcall('GETRANGE', KEYS[i], 0, -1)\n"
    "  if type(stored) == 'table' then\n"
    "    if not string.find(stored.err, 'WRONGTYPE', 1, true) then return stored end\n"
    "    stored = ''\n"
    "  end\n"
    "  local from = tonumber(stored) or now\n"
    "  if not (from > now) then from = now end\n"
    "  if from > now + burst then from = now + burst end\n"
    "  full[i] = from + one\n"
    "  local over = full[i] - now - burst\n"
    "  if over > wait then wait, short = over, i end\n"
    "end\n"
    "if wait == 0 then\n"
    "  for i = 1, #KEYS do\n"
    "    redis.call('SET', KEYS[i], string.format('%.0f', full[i]), 'PX',\n"
    "               string.format('%.0f', math.ceil((full[i] - now) / 1000)))\n"
    "  end\n"
    "end\n"
    "return {math.ceil(wait), short}\n";

std::int64_t Micros(std::chrono::nanoseconds time) {
  return std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count(),
                                1);
}

}  // namespace

RedisRateBudget::RedisRateBudget(RedisClient& client, KeyMaker key_of, LocalRateBudget& local,
                                 Counter& unshared)
    : client_(client),
      key_of_(std::move(key_of)),
      local_(local),
      unshared_(unshared),
      take_(kTake) {}

asio::awaitable<BudgetAnswer> RedisRateBudget::Take(std::string partition,
                                                    std::vector<BudgetDraw> draws) {
  const BudgetAnswer own = local_.TakeNow(partition, draws);
  if (!own.allowed()) co_return own;
  const absl::StatusOr<BudgetAnswer> of_all = co_await Ask(partition, draws);
  if (!of_all.ok()) {
    unshared_.Increment();
    co_return own;
  }
  if (!of_all->allowed()) local_.Refuse(partition, draws[of_all->short_of], of_all->wait);
  co_return *of_all;
}

asio::awaitable<absl::StatusOr<BudgetAnswer>> RedisRateBudget::Ask(
    const std::string& partition, const std::vector<BudgetDraw>& draws) {
  std::vector<std::string> arguments;
  for (const BudgetDraw& draw : draws) arguments.push_back(key_of_(partition, draw.name));
  for (const BudgetDraw& draw : draws) {
    arguments.push_back(absl::StrCat(Micros(draw.limit.interval)));
    arguments.push_back(absl::StrCat(Micros(draw.limit.capacity())));
  }
  const absl::StatusOr<RespValue> reply =
      co_await take_.Run(client_, draws.size(), std::move(arguments));
  if (!reply.ok()) co_return reply.status();
  const std::vector<RespValue>& parts = reply->elements;
  if (reply->kind != RespValue::Kind::kArray || parts.size() != 2 ||
      parts[0].kind != RespValue::Kind::kInteger || parts[1].kind != RespValue::Kind::kInteger) {
    co_return WrongKindOfAnswer();
  }
  const std::int64_t wait = parts[0].integer;
  if (wait == 0) co_return BudgetAnswer();
  const std::int64_t place = parts[1].integer;
  // Nothing ever waits longer than for one: whoever says so is no script of ours.
  if (place < 1 || static_cast<std::size_t>(place) > draws.size() || wait < 0 ||
      wait > Micros(draws[static_cast<std::size_t>(place - 1)].limit.interval)) {
    co_return WrongKindOfAnswer();
  }
  co_return BudgetAnswer{absl::Microseconds(wait), static_cast<std::size_t>(place - 1)};
}

}  // namespace tokensvc
