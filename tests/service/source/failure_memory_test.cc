// SPDX-License-Identifier: Apache-2.0
#include "service/source/failure_memory.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

constexpr double kNoJitter = 0.5;
constexpr bool kPlain = false;
constexpr bool kForced = true;

BootTime At(int seconds) { return BootTime(std::chrono::seconds(1000 + seconds)); }

Error Failure(Reason reason) {
  Error error;
  error.code = absl::StatusCode::kUnavailable;
  error.reason = reason;
  error.message = "fixed text";
  return error;
}

const FailureMemory::Keys kKeys{"authority/tenant/client", "token"};

TEST(FailureMemoryTest, KnowsNothingAtFirst) {
  FailureMemory memory;
  EXPECT_FALSE(memory.Check(kKeys, false, At(0)).has_value());
}

TEST(FailureMemoryTest, FailuresBackOffTwiceAsLongEachTimeUpToAMinute) {
  FailureMemory memory;
  int now = 0;
  for (const int expected : {1, 2, 4, 8, 16, 32, 60, 60}) {
    memory.Remember(kKeys, kPlain, Failure(Reason::kAuthorityUnavailable), kNoJitter, At(now));
    EXPECT_TRUE(memory.Check(kKeys, false, At(now + expected - 1)).has_value()) << expected;
    EXPECT_FALSE(memory.Check(kKeys, false, At(now + expected)).has_value()) << expected;
    now += expected;
  }
}

TEST(FailureMemoryTest, SaysHowLongUntilTheNextTry) {
  FailureMemory memory;
  Error error = Failure(Reason::kThrottled);
  error.retry_after = absl::Seconds(30);
  memory.Remember(kKeys, kPlain, error, kNoJitter, At(0));
  const auto open = memory.Check(kKeys, false, At(10));
  ASSERT_TRUE(open.has_value());
  EXPECT_EQ(open->retry_after, absl::Seconds(20));
  EXPECT_EQ(open->message, "fixed text");
}

TEST(FailureMemoryTest, ThrottlingHoldsForEveryTokenOfTheClientInThatTenantAndForForcedCalls) {
  FailureMemory memory;
  Error error = Failure(Reason::kThrottled);
  error.retry_after = absl::Seconds(30);
  memory.Remember(kKeys, kPlain, error, kNoJitter, At(0));
  EXPECT_TRUE(memory.Check({kKeys.throttle, "another token"}, true, At(1)).has_value());
  EXPECT_FALSE(memory.Check({"another client", kKeys.token}, false, At(1)).has_value());
}

TEST(FailureMemoryTest, ARetryAfterOfAFailureHoldsForEveryTokenOfTheClientInThatTenant) {
  FailureMemory memory;
  Error error = Failure(Reason::kAuthorityUnavailable);
  error.retry_after = absl::Seconds(30);
  memory.Remember(kKeys, kPlain, error, kNoJitter, At(0));
  EXPECT_FALSE(memory.Check({kKeys.throttle, "another token"}, false, At(1)).has_value())
      << "the time is our own guess";
  error.authority_said_when = true;
  memory.Remember(kKeys, kPlain, error, kNoJitter, At(0));
  EXPECT_TRUE(memory.Check({kKeys.throttle, "another token"}, false, At(29)).has_value());
  EXPECT_FALSE(memory.Check({kKeys.throttle, "another token"}, false, At(30)).has_value());
}

TEST(FailureMemoryTest, AShorterRetryAfterDoesNotTakeBackALongerOne) {
  FailureMemory memory;
  Error error = Failure(Reason::kThrottled);
  error.retry_after = absl::Seconds(60);
  memory.Remember(kKeys, kPlain, error, kNoJitter, At(0));
  error.retry_after = absl::Seconds(1);
  memory.Remember(kKeys, kPlain, error, kNoJitter, At(1));
  EXPECT_TRUE(memory.Check(kKeys, false, At(50)).has_value());
}

TEST(FailureMemoryTest, WhatThrottledAForcedRequestHoldsForForcedOnesAlone) {
  FailureMemory memory;
  Error throttled = Failure(Reason::kThrottled);
  throttled.retry_after = absl::Seconds(30);
  memory.Remember(kKeys, kForced, throttled, kNoJitter, At(0));
  EXPECT_FALSE(memory.Check(kKeys, kPlain, At(1)).has_value());
  EXPECT_TRUE(memory.Check({kKeys.throttle, "another token"}, kForced, At(29)).has_value());
  EXPECT_FALSE(memory.Check(kKeys, kForced, At(30)).has_value());
  // What a plain request meets holds for all.
  memory.Remember(kKeys, kPlain, throttled, kNoJitter, At(31));
  EXPECT_TRUE(memory.Check(kKeys, kPlain, At(32)).has_value());
  EXPECT_TRUE(memory.Check(kKeys, kForced, At(32)).has_value());
}

TEST(FailureMemoryTest, ARetryAfterThatAForcedRequestMetHoldsForForcedOnesAlone) {
  FailureMemory memory;
  Error error = Failure(Reason::kAuthorityUnavailable);
  error.retry_after = absl::Seconds(30);
  error.authority_said_when = true;
  memory.Remember(kKeys, kForced, error, kNoJitter, At(0));
  EXPECT_FALSE(memory.Check({kKeys.throttle, "another token"}, kPlain, At(1)).has_value());
  EXPECT_TRUE(memory.Check({kKeys.throttle, "another token"}, kForced, At(1)).has_value());
}

TEST(FailureMemoryTest, AFailureOfOneTokenDoesNotHoldForAnother) {
  FailureMemory memory;
  memory.Remember(kKeys, kPlain, Failure(Reason::kAuthorityUnavailable), kNoJitter, At(0));
  EXPECT_FALSE(memory.Check({kKeys.throttle, "another token"}, false, At(0)).has_value());
}

TEST(FailureMemoryTest, RefusalsHoldShortlyAndNotForForcedCalls) {
  FailureMemory memory;
  memory.Remember(kKeys, kPlain, Failure(Reason::kScopeNotAccepted), kNoJitter, At(0));
  EXPECT_TRUE(memory.Check(kKeys, false, At(9)).has_value());
  EXPECT_FALSE(memory.Check(kKeys, true, At(9)).has_value());
  EXPECT_FALSE(memory.Check(kKeys, false, At(10)).has_value());
}

TEST(FailureMemoryTest, ATokenEndsTheMemoryOfFailures) {
  FailureMemory memory;
  memory.Remember(kKeys, kPlain, Failure(Reason::kAuthorityUnavailable), kNoJitter, At(0));
  memory.Forget(kKeys);
  EXPECT_FALSE(memory.Check(kKeys, false, At(0)).has_value());
  // And the next failure starts at a second again.
  memory.Remember(kKeys, kPlain, Failure(Reason::kAuthorityUnavailable), kNoJitter, At(0));
  EXPECT_FALSE(memory.Check(kKeys, false, At(1)).has_value());
}

TEST(FailureMemoryTest, ForgetsWhatAnotherConfigurationMayMendAndNothingElse) {
  FailureMemory memory;
  const auto open_for = [&memory](const char* token) {
    return memory.Check({token, token}, false, At(0)).has_value();
  };
  const std::vector<std::pair<const char*, Reason>> remembered = {
      {"scope", Reason::kScopeNotAccepted},
      {"credential", Reason::kRegistrationMisconfigured},
      {"untrusted", Reason::kAuthorityUntrusted},
      {"throttled", Reason::kThrottled},
      {"unavailable", Reason::kAuthorityUnavailable}};
  for (const auto& [token, reason] : remembered) {
    memory.Remember({token, token}, kPlain, Failure(reason), kNoJitter, At(0));
    EXPECT_TRUE(open_for(token)) << token;
  }
  memory.ForgetRefusals();
  for (const char* token : {"scope", "credential", "untrusted"})
    EXPECT_FALSE(open_for(token)) << token;
  for (const char* token : {"throttled", "unavailable"}) EXPECT_TRUE(open_for(token)) << token;
  EXPECT_EQ(memory.size(), 2u);
}

TEST(FailureMemoryTest, OwnErrorsAreNotRemembered) {
  FailureMemory memory;
  for (const Reason reason : {Reason::kOverloaded, Reason::kDeadline, Reason::kDraining,
                              Reason::kPolicyDenied, Reason::kInternal, Reason::kQuotaExceeded}) {
    memory.Remember(kKeys, kPlain, Failure(reason), kNoJitter, At(0));
    EXPECT_FALSE(memory.Check(kKeys, false, At(0)).has_value());
  }
}

TEST(FailureMemoryTest, IsBoundedAndDropsTheOldest) {
  FailureMemory memory(/*max_entries=*/100);
  for (int i = 0; i < 1000; ++i) {
    const std::string token = std::to_string(i);
    memory.Remember({"t", token}, kPlain, Failure(Reason::kAuthorityUnavailable), kNoJitter, At(0));
  }
  EXPECT_EQ(memory.size(), 100u);
  EXPECT_FALSE(memory.Check({"t", "0"}, false, At(0)).has_value());
  EXPECT_TRUE(memory.Check({"t", "999"}, false, At(0)).has_value());
}

}  // namespace
}  // namespace tokensvc
