// SPDX-License-Identifier: Apache-2.0
// What happens where the fleet has asked an authority often enough.
#include "service/source/authority_budget.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/service/source/app_token_source_fixture.h"
#include "tests/testing/run_on_loop.h"

namespace tokensvc {
namespace {

constexpr int kPerMinute = 40;
constexpr int kForcedPerMinute = 60;  // Ten of them at once, and five of one caller.

class AuthorityBudgetTest : public AppTokenSourceTest {
 protected:
  explicit AuthorityBudgetTest(RateBudget* budget = nullptr)
      : AppTokenSourceTest({kPerMinute, kForcedPerMinute}, budget) {}

  /// A token that nobody has asked for yet.
  std::string NewScope() { return absl::StrCat("api://new-", ++scopes_, "/.default"); }
  /// How many of `count` new tokens `caller` gets; what is refused must be so by a budget.
  int NewTokens(int count, const std::string& caller) {
    int tokens = 0;
    for (int i = 0; i < count; ++i) {
      const Result<AppToken> token = Acquire(RequestOf(caller, NewScope()));
      tokens += token.ok() ? 1 : 0;
      if (!token.ok()) ExpectRefusedByBudget(token.error());
    }
    return tokens;
  }
  int ForcedTokens(int count, const std::string& caller) {
    int tokens = 0;
    for (int i = 0; i < count; ++i) {
      const Result<AppToken> token = Acquire(RequestOf(caller, "api://orders/.default", true));
      tokens += token.ok() ? 1 : 0;
      if (!token.ok()) ExpectRefusedByBudget(token.error());
    }
    return tokens;
  }
  static void ExpectRefusedByBudget(const Error& error) {
    EXPECT_EQ(error.code, absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(error.reason, Reason::kQuotaExceeded);
    EXPECT_GT(error.retry_after.value_or(absl::ZeroDuration()), absl::ZeroDuration());
    EXPECT_LE(error.retry_after.value_or(absl::InfiniteDuration()), absl::Minutes(1));
  }

 private:
  int scopes_ = 0;
};

TEST_F(AuthorityBudgetTest, OneTenantGetsAMinutesWorthAndOthersTheirOwn) {
  EXPECT_EQ(NewTokens(kPerMinute + 10, /*caller=*/""), kPerMinute);
  EXPECT_EQ(authority_->counters().token_requests, kPerMinute);
  EXPECT_TRUE(Acquire(RequestIn(kOtherTenant)).ok());
  clock_.Advance(absl::Seconds(15));
  EXPECT_EQ(NewTokens(kPerMinute, ""), kPerMinute / 4);
}

TEST_F(AuthorityBudgetTest, OneCallerGetsHalf) {
  EXPECT_EQ(NewTokens(kPerMinute, "noisy"), kPerMinute / 2);
  EXPECT_EQ(NewTokens(kPerMinute / 2, "quiet"), kPerMinute / 2);
}

TEST_F(AuthorityBudgetTest, WhatIsInMemoryCostsNothing) {
  ASSERT_TRUE(Acquire(RequestOf("noisy")).ok());
  NewTokens(kPerMinute, "noisy");
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Acquire(RequestOf("noisy")).ok());
}

TEST_F(AuthorityBudgetTest, ADueTokenIsAnsweredAndItsRefreshWaits) {
  ASSERT_TRUE(Acquire(Request()).ok());
  clock_.Advance(absl::Minutes(58));  // due
  NewTokens(2 * kPerMinute, "");
  const auto requests = authority_->counters().token_requests;
  for (int i = 0; i < 100; ++i) {
    const Result<AppToken> token = Acquire(Request());
    ASSERT_TRUE(token.ok());
    EXPECT_EQ(token->found_in, FoundIn::kLocalCache);
    EXPECT_EQ(token->cause, RefreshCause::kProactive);
  }
  while (!absl::StrContains(logger_.AllText(), "proactive_refresh_failed")) {
    std::this_thread::yield();
  }
  EXPECT_EQ(authority_->counters().token_requests, requests);
  // A refresh is tried again, by a call, when there is budget.
  clock_.Advance(absl::Seconds(31));
  while (authority_->counters().token_requests == requests) ASSERT_TRUE(Acquire(Request()).ok());
}

TEST_F(AuthorityBudgetTest, WhoIsOverItsShareIsServedFromTheSharedCache) {
  NewTokens(kPerMinute, "noisy");
  TokenRecord::Fields fields;
  fields.token = "of another replica";
  fields.refresh_at = clock_.Now() + absl::Minutes(30);
  fields.expires_at = clock_.Now() + absl::Hours(1);
  fields.due = clock_.Boot() + ToNanos(absl::Minutes(30));
  fields.usable_until = clock_.Boot() + ToNanos(absl::Hours(1));
  fields.generation = 1;
  for (const auto& loop : loops_) loop->shared.Hold(TokenRecord::Make(fields));
  const Result<AppToken> token = Acquire(RequestOf("noisy", NewScope()));
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->found_in, FoundIn::kSharedCache);
}

TEST_F(AuthorityBudgetTest, ForcedRefreshesHaveALittleOfIt) {
  EXPECT_EQ(ForcedTokens(20, "noisy"), 5);
  EXPECT_EQ(ForcedTokens(20, "other"), 5);
  EXPECT_EQ(ForcedTokens(20, "third"), 0) << "ten seconds' worth of them at once";
  EXPECT_EQ(NewTokens(20, "noisy"), kPerMinute / 2 - 5) << "they count as requests, too";
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(ForcedTokens(20, "third"), 2);
}

TEST_F(AuthorityBudgetTest, AForcedRequestThatIsThrottledClosesTheWayForForcedOnesAlone) {
  DevAuthority::Fault throttled;
  throttled.status = 429;
  throttled.headers["Retry-After"] = "30";
  throttled.count = 1;
  authority_->AddFault(throttled);
  const Result<AppToken> forced = Acquire(RequestOf("noisy", "api://orders/.default", true));
  ASSERT_FALSE(forced.ok());
  EXPECT_EQ(forced.error().reason, Reason::kThrottled);
  EXPECT_EQ(NewTokens(5, "quiet"), 5);
  const auto requests = authority_->counters().token_requests;
  const Result<AppToken> again = Acquire(RequestOf("other", NewScope(), true));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().reason, Reason::kThrottled);
  EXPECT_EQ(authority_->counters().token_requests, requests);
  clock_.Advance(absl::Seconds(30));
  EXPECT_TRUE(Acquire(RequestOf("noisy", NewScope(), true)).ok());
}

/// A budget and leases of which neither answers before both were asked.
class Both final : public RateBudget, public LeaseManager {
 public:
  asio::awaitable<BudgetAnswer> Take(std::string, std::vector<BudgetDraw>) override {
    ++asked_;
    co_await WaitForBoth();
    co_return BudgetAnswer();
  }
  BudgetAnswer Look(absl::string_view, const std::vector<BudgetDraw>&) override { return {}; }
  asio::awaitable<Lease> Acquire(std::string) override {
    ++asked_;
    co_await WaitForBoth();
    co_return Lease{Lease::State::kAcquired, 7};
  }
  asio::awaitable<void> Release(std::string, Lease) override { co_return; }

 private:
  asio::awaitable<void> WaitForBoth() {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (asked_ < 2) {
      timer.expires_after(std::chrono::milliseconds(1));
      co_await timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    }
  }
  int asked_ = 0;
};

TEST_F(AuthorityBudgetTest, IsAskedBesideTheLeaseSoThatItCostsNoTimeOfItsOwn) {
  Both both;
  EventLoop loop;
  AuthorityBudget budget({}, registry_);
  const auto request = std::make_shared<const AppTokenRequest>(Request());
  const AuthorityBudget::Permission permission =
      testing::RunOnLoop(loop.context(), budget.Acquire(both, both, request, "key"));
  EXPECT_EQ(permission.lease.generation, 7u);
  EXPECT_FALSE(permission.refusal.has_value());
  loop.Stop();
}

/// Refuses one caller, as a shared store does that knows more than this replica: only when it is
/// asked, and after a while.
class RefusesNoisy final : public RateBudget {
 public:
  asio::awaitable<BudgetAnswer> Take(std::string, std::vector<BudgetDraw> draws) override {
    const std::size_t place = NoisyPlace(draws);
    if (place == draws.size()) co_return BudgetAnswer();
    asking = true;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (!may_answer) {
      timer.expires_after(std::chrono::milliseconds(1));
      co_await timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    }
    known_ = true;
    co_return BudgetAnswer{absl::Seconds(5), place};
  }
  BudgetAnswer Look(absl::string_view, const std::vector<BudgetDraw>& draws) override {
    const std::size_t place = NoisyPlace(draws);
    if (!known_ || place == draws.size()) return {};
    return {absl::Seconds(5), place};
  }

  std::atomic<bool> asking{false};
  std::atomic<bool> may_answer{false};

 private:
  static std::size_t NoisyPlace(const std::vector<BudgetDraw>& draws) {
    const auto noisy = std::find_if(draws.begin(), draws.end(), [](const BudgetDraw& draw) {
      return absl::EndsWith(draw.name, ":noisy");
    });
    return static_cast<std::size_t>(noisy - draws.begin());
  }
  std::atomic<bool> known_{false};
};

class OneIsRefusedTest : public AuthorityBudgetTest {
 protected:
  OneIsRefusedTest() : AuthorityBudgetTest(&refuses_) {}
  RefusesNoisy refuses_;
};

TEST_F(OneIsRefusedTest, WhoJoinedTheFlightOfACallerThatIsRefusedGetsItsToken) {
  std::thread noisy([&] {
    const Result<AppToken> token = Acquire(RequestOf("noisy"));
    ASSERT_FALSE(token.ok());
    ExpectRefusedByBudget(token.error());
  });
  while (!refuses_.asking) std::this_thread::yield();
  std::vector<std::thread> others;
  std::atomic<int> served{0};
  for (int i = 0; i < 8; ++i) {
    others.emplace_back(
        [&, i] { served += Acquire(RequestOf(absl::StrCat("quiet-", i))).ok() ? 1 : 0; });
  }
  refuses_.may_answer = true;
  noisy.join();
  for (std::thread& other : others) other.join();
  EXPECT_EQ(served.load(), 8);
  EXPECT_EQ(authority_->counters().token_requests, 1);
}

}  // namespace
}  // namespace tokensvc
