// SPDX-License-Identifier: Apache-2.0
// What a caller gets, what leaks, and what becomes of cached tokens when the authority fails in
// every way that it can.
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/integration/cc/authority_fault_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::Combine;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Values;
using ::testing::ValuesIn;

class UncachedTokenTest : public AuthorityFaultFixture,
                          public ::testing::WithParamInterface<std::tuple<AuthorityFault, Proof>> {
};

INSTANTIATE_TEST_SUITE_P(All, UncachedTokenTest,
                         Combine(ValuesIn(AuthorityFaults()),
                                 Values(Proof::kPostedSecret, Proof::kBasicSecret,
                                        Proof::kAssertion)),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param).name, "_",
                                               NameOf(std::get<1>(info.param)));
                         });

TEST_P(UncachedTokenTest, GetsTheFaultsStatusAndNothingLeaks) {
  const auto& [fault, proof] = GetParam();
  StartBefore(fault, proof);
  Break();
  if (fault.serves()) {
    MustAcquire(Request());
    ExpectNoCanary();
    return;
  }
  for (int i = 0; i < 2; ++i) {  // as it happens, and as it is remembered
    const ReadStatus status = MustFail(Request());
    EXPECT_EQ(status.code, fault.code);
    EXPECT_EQ(status.reason, fault.reason);
    EXPECT_EQ(status.retry_after.has_value(), fault.retry_info);
    EXPECT_THAT(status.everything, Not(HasSubstr("AADSTS")));
    ExpectNoCanary(status);
  }
}

class CachedTokenTest : public AuthorityFaultFixture,
                        public ::testing::WithParamInterface<AuthorityFault> {};

INSTANTIATE_TEST_SUITE_P(All, CachedTokenTest, ValuesIn(AuthorityFaults()),
                         [](const auto& info) { return info.param.name; });

TEST_P(CachedTokenTest, IsServedWhileTheFaultLastsThoughItIsDue) {
  StartBefore(GetParam());
  const auto cached = MustAcquire(Request());
  Break();
  clock_.Advance(0.9 * TokenLifetime());
  for (int i = 0; i < 3; ++i) {
    const auto answer = MustAcquire(Request());
    if (!GetParam().serves()) {
      EXPECT_EQ(answer.access_token().value(), cached.access_token().value());
      WaitForFailedRefresh();
    }
    clock_.Advance(absl::Minutes(1));
  }
  ExpectNoCanary();
}

TEST_P(CachedTokenTest, IsNeverServedOnceItIsOverThoughTheFaultLasts) {
  StartBefore(GetParam());
  const auto cached = MustAcquire(Request());
  Break();
  // Usable until thirty seconds before its end: the egress skew.
  clock_.Advance(TokenLifetime() - absl::Seconds(31));
  const auto last = MustAcquire(Request());
  if (!GetParam().serves()) EXPECT_EQ(last.access_token().value(), cached.access_token().value());
  clock_.Advance(absl::Seconds(1));
  if (GetParam().serves()) {
    EXPECT_NE(MustAcquire(Request()).access_token().value(), cached.access_token().value());
    return;
  }
  const ReadStatus status = MustFail(Request());
  EXPECT_EQ(status.code, GetParam().code);
  EXPECT_EQ(status.reason, GetParam().reason);
  ExpectNoCanary(status);

  Mend();
  clock_.Advance(absl::Minutes(2));  // past every back-off
  const auto fresh = MustAcquire(Request());
  EXPECT_EQ(fresh.source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_NE(fresh.access_token().value(), cached.access_token().value());
}

class AuthorityFaultsTest : public ServiceFixture {};

TEST_F(AuthorityFaultsTest, WhatTheAuthoritySaysForTheCallerReachesTheCaller) {
  constexpr char kClaims[] =
      R"({"access_token":{"polids":{"essential":true,"values":["9ab03e19"]}}})";
  Start();
  DevAuthority::Fault blocked;
  blocked.error_code = 53003;
  blocked.claims = kClaims;
  authority_->AddFault(blocked);
  const ReadStatus status = MustFail(Request());
  EXPECT_EQ(status.reason, "INTERACTION_REQUIRED");
  EXPECT_EQ(status.authority.claims_challenge(), kClaims);
  EXPECT_EQ(status.authority.error_codes(0), 53003);
  ExpectNoCanary(status);
}

TEST_F(AuthorityFaultsTest, ARememberedFailureIsAnsweredWithoutAskingAgain) {
  Start();
  DevAuthority::Fault throttled;
  throttled.status = 429;
  throttled.headers["Retry-After"] = "30";
  throttled.count = 1;
  authority_->AddFault(throttled);
  const ReadStatus first = MustFail(Request());
  EXPECT_EQ(first.reason, "THROTTLED");
  EXPECT_EQ(first.retry_after, absl::Seconds(30));
  // Another token of the same client in the same tenant is held back as well.
  const ReadStatus held = MustFail(Request("api://other/.default"));
  EXPECT_EQ(held.reason, "THROTTLED");
  EXPECT_EQ(held.retry_after, absl::Seconds(30));
  EXPECT_EQ(TokenRequests(), 1);
  clock_.Advance(absl::Seconds(30));
  MustAcquire(Request());
}

TEST_F(AuthorityFaultsTest, ASlowAuthorityMeetsTheCallersDeadlineFirst) {
  Start();
  DevAuthority::Fault slow;
  slow.hang = true;
  authority_->AddFault(slow);
  const ReadStatus late = MustFail(Request(), absl::Milliseconds(200));
  EXPECT_EQ(late.code, grpc::StatusCode::DEADLINE_EXCEEDED);
  ExpectNoCanary(late);
}

TEST_F(AuthorityFaultsTest, ALifeOfTwentySecondsIsServedForEighteen) {
  DevAuthority::Options options;
  options.token_lifetime_seconds = 20;
  Start(std::move(options));
  const auto first = MustAcquire(Request());
  clock_.Advance(absl::Seconds(8));
  EXPECT_EQ(MustAcquire(Request()).access_token().value(), first.access_token().value());
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
}

TEST_F(AuthorityFaultsTest, TheSameTokenBackDoesNotMakeEveryCallARefresh) {
  Start();
  MustAcquire(Request());
  DevAuthority::Fault same;
  same.same_token = true;
  authority_->AddFault(same);
  clock_.Advance(absl::Minutes(54));
  for (int i = 0; i < 50; ++i) MustAcquire(Request());
  clock_.Advance(absl::Seconds(20));
  for (int i = 0; i < 50; ++i) MustAcquire(Request());
  EXPECT_LE(TokenRequests(), 2);
}

}  // namespace
}  // namespace tokensvc::testing
