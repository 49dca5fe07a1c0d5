// SPDX-License-Identifier: Apache-2.0
#include "service/source/authority_budget.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/this_coro.hpp"
#include "asio/use_awaitable.hpp"
#include "service/source/cache_key.h"

namespace tokensvc {
namespace {

constexpr char kForced[] = "forced";

/// `per_minute`, of which those of `burst` seconds may come at once.
RateLimit PerMinute(int per_minute, int burst_seconds) {
  const int count = std::max(per_minute, 1);
  return RateLimit::Of(count, std::chrono::minutes(1), std::max(count * burst_seconds / 60, 1));
}

/// What the one who asks and the one who waits share.
struct Asked {
  explicit Asked(const asio::any_io_executor& executor)
      : answered(executor, asio::steady_timer::time_point::max()) {}
  asio::steady_timer answered;  ///< Cancelled by the answer.
  std::optional<BudgetAnswer> answer;
};

asio::awaitable<void> Ask(RateBudget& budget, std::string partition, std::vector<BudgetDraw> draws,
                          std::shared_ptr<Asked> asked) {
  const BudgetAnswer answer = co_await budget.Take(std::move(partition), std::move(draws));
  asked->answer = answer;
  asked->answered.cancel();
}

}  // namespace

AuthorityBudget::AuthorityBudget(Limits limits, MetricRegistry& metrics)
    : all_(PerMinute(limits.requests_per_minute, 60)),
      of_caller_(PerMinute(limits.requests_per_minute / 2, 60)),
      forced_(PerMinute(limits.forced_refreshes_per_minute, 10)),
      forced_of_caller_(PerMinute(limits.forced_refreshes_per_minute / 2, 10)),
      refused_(metrics.AddCounter("tokensvc_authority_budget_refusals_total",
                                  "Flights that a budget for an authority's tenant ended.",
                                  {{"budget", "requests"}})),
      refused_forced_(metrics.AddCounter("tokensvc_authority_budget_refusals_total",
                                         "Flights that a budget for an authority's tenant ended.",
                                         {{"budget", "forced_refreshes"}})) {}

std::vector<BudgetDraw> AuthorityBudget::OfAll(const AppTokenRequest& request) const {
  std::vector<BudgetDraw> draws;
  draws.push_back({"all", all_});
  if (request.forced()) {
    draws.push_back({absl::StrCat(kForced, ":", request.registration->client_id), forced_});
  }
  return draws;
}

std::vector<BudgetDraw> AuthorityBudget::OfCaller(const AppTokenRequest& request) const {
  std::vector<BudgetDraw> draws;
  if (request.caller.empty()) return draws;
  draws.push_back({absl::StrCat("caller:", request.caller), of_caller_});
  if (request.forced()) {
    const std::string& client = request.registration->client_id;
    draws.push_back(
        {absl::StrCat(kForced, "_caller:", client.size(), ":", client, ":", request.caller),
         forced_of_caller_});
  }
  return draws;
}

std::optional<Error> AuthorityBudget::OverShare(RateBudget& budget,
                                                const AppTokenRequest& request) {
  const std::vector<BudgetDraw> draws = OfCaller(request);
  const BudgetAnswer answer = budget.Look(PartitionOf(request), draws);
  if (answer.allowed()) return std::nullopt;
  return Exceeded(draws[answer.short_of], answer.wait);
}

Error AuthorityBudget::Exceeded(const BudgetDraw& draw, absl::Duration wait) {
  const bool forced = absl::StartsWith(draw.name, kForced);
  (forced ? refused_forced_ : refused_).Increment();
  Error error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = Reason::kQuotaExceeded;
  error.message =
      forced ? "too many forced refreshes for this client and tenant, by all callers or by this one"
             : "too many requests to the authority for this tenant, by all callers or by this one";
  error.retry_after = wait;
  return error;
}

asio::awaitable<AuthorityBudget::Permission> AuthorityBudget::Acquire(
    RateBudget& budget, LeaseManager& leases, std::shared_ptr<const AppTokenRequest> request,
    std::string key) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  std::vector<BudgetDraw> draws = OfAll(*request);
  const std::size_t of_all = draws.size();
  for (BudgetDraw& draw : OfCaller(*request)) draws.push_back(std::move(draw));
  const auto asked = std::make_shared<Asked>(executor);
  asio::co_spawn(executor, Ask(budget, PartitionOf(*request), draws, asked), asio::detached);
  Permission permission;
  permission.lease = co_await leases.Acquire(std::move(key));
  if (!asked->answer.has_value()) {
    co_await asked->answered.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  }
  if (asked->answer.has_value() && !asked->answer->allowed()) {
    permission.refusal = Exceeded(draws[asked->answer->short_of], asked->answer->wait);
    permission.of_caller = asked->answer->short_of >= of_all;
  }
  co_return permission;
}

}  // namespace tokensvc
