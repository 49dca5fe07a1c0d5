// SPDX-License-Identifier: Apache-2.0
#include "service/source/app_token_source.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "asio/post.hpp"
#include "tests/authority/managed_identity_endpoint.h"
#include "tests/service/source/app_token_source_fixture.h"

namespace tokensvc {
namespace {

TEST_F(AppTokenSourceTest, ManyThreadsOfOneMissingTokenMakeOneRequest) {
  DevAuthority::Fault slow;
  slow.latency = absl::Milliseconds(50);
  authority_->AddFault(slow);
  std::vector<std::thread> threads;
  std::atomic<int> served{0};
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) served += Acquire(Request()).ok() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served.load(), 16 * 20);
  EXPECT_EQ(authority_->counters().token_requests, 1);
}

TEST_F(AppTokenSourceTest, ManyThreadsOfManyTokensMakeOneRequestForEach) {
  std::vector<std::thread> threads;
  std::atomic<int> served{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const std::string scope = absl::StrCat("api://r", (i + 5 * t) % 40, "/.default");
        served += Acquire(Request(scope)).ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served.load(), 8 * 40);
  EXPECT_EQ(authority_->counters().token_requests, 40);
}

TEST_F(AppTokenSourceTest, ForcedCallsThatComeTogetherShareTheNextFlight) {
  ASSERT_TRUE(Acquire(Request()).ok());
  DevAuthority::Fault slow;
  slow.latency = absl::Milliseconds(200);
  authority_->AddFault(slow);
  std::vector<std::thread> threads;
  std::atomic<int> served{0};
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back(
        [&] { served += Acquire(Request("api://orders/.default", true)).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served.load(), 16);
  // The plain one, the first forced one, and the one that all others shared.
  EXPECT_LE(authority_->counters().token_requests, 4);
}

TEST_F(AppTokenSourceTest, AnOlderFlightDoesNotOverwriteWhatANewerOneBrought) {
  // A plain request that hangs, and a forced one that overtakes it.
  DevAuthority::Fault slow;
  slow.latency = absl::Milliseconds(500);
  slow.count = 1;
  authority_->AddFault(slow);
  std::thread plain([&] { EXPECT_TRUE(Acquire(Request()).ok()); });
  while (authority_->counters().token_requests < 1) std::this_thread::yield();
  const Result<AppToken> forced = Acquire(Request("api://orders/.default", true));
  ASSERT_TRUE(forced.ok());
  plain.join();
  const Result<AppToken> after = Acquire(Request());
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->found_in, FoundIn::kLocalCache);
  EXPECT_EQ(after->record->RevealToken(), forced->record->RevealToken());
}

TEST_F(AppTokenSourceTest, ADueTokenIsRefreshedByOneOfManyThreads) {
  ASSERT_TRUE(Acquire(Request()).ok());
  clock_.Advance(absl::Minutes(54));
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) EXPECT_TRUE(Acquire(Request()).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (authority_->counters().issued_tokens < 2) std::this_thread::yield();
  EXPECT_EQ(authority_->counters().token_requests, 2);
}

TEST_F(AppTokenSourceTest, AnAnswerThatCameAfterTheEndOfItsTokensLifeIsNoAnswer) {
  for (const bool forced : {false, true}) {
    const int before = authority_->counters().token_requests;
    DevAuthority::Fault slow;
    slow.latency = absl::Milliseconds(100);
    slow.count = 1;
    authority_->AddFault(slow);
    std::thread caller([&] {
      const Result<AppToken> late = Acquire(Request("api://orders/.default", forced));
      ASSERT_FALSE(late.ok()) << "an expired token was handed out";
      EXPECT_EQ(late.error().reason, Reason::kAuthorityUnavailable);
    });
    while (authority_->counters().token_requests == before) std::this_thread::yield();
    clock_.Advance(absl::Hours(2));
    caller.join();
    clock_.Advance(absl::Seconds(2));  // past the backoff
    EXPECT_TRUE(Acquire(Request()).ok());
    clock_.Advance(absl::Hours(2));
  }
}

TEST_F(AppTokenSourceTest, ARefusedClaimsChallengeDoesNotStandInTheWayOfPlainCalls) {
  DevAuthority::Fault refusal;
  refusal.status = 400;
  refusal.body = R"({"error":"invalid_request"})";
  refusal.count = 1;
  authority_->AddFault(refusal);
  EXPECT_FALSE(Acquire(RequestWithChallenge(R"({"access_token":{"acrs":null}})")).ok());
  EXPECT_TRUE(Acquire(Request()).ok());
}

TEST_F(AppTokenSourceTest, AFailureUnderAClaimsChallengeDoesNotStandInTheWayOfPlainCalls) {
  DevAuthority::Fault failure;
  failure.status = 500;
  failure.count = 1;
  authority_->AddFault(failure);
  const std::string challenge = R"({"access_token":{"acrs":null}})";
  EXPECT_FALSE(Acquire(RequestWithChallenge(challenge)).ok());
  EXPECT_TRUE(Acquire(Request()).ok());
  const int requests = authority_->counters().token_requests;
  // The challenge itself has to wait its second, as any failing request.
  EXPECT_FALSE(Acquire(RequestWithChallenge(challenge)).ok());
  EXPECT_EQ(authority_->counters().token_requests, requests);
}

TEST_F(AppTokenSourceTest, MoreWaitersThanAllowedAreRefusedAndOneTenantFillsHalfThePlaces) {
  DevAuthority::Fault hang;
  hang.hang = true;
  authority_->AddFault(hang);
  std::atomic<int> ended{0}, overloaded{0};
  for (int i = 0; i < 5100; ++i) {
    AppTokenRequest request = RequestIn(i < 2550 ? kTenant : kOtherTenant);
    std::string key = source_->KeyOf(request);
    source_->Acquire(std::move(request), std::move(key), clock_.Boot() + ToNanos(absl::Seconds(30)),
                     [&](Result<AppToken> token) {
                       if (!token.ok() && token.error().reason == Reason::kOverloaded) ++overloaded;
                       ++ended;
                     });
  }
  EXPECT_EQ(overloaded.load(), 100) << "fifty of each tenant";
  source_->Abandon();
  while (ended.load() < 5100) std::this_thread::yield();
  authority_->ClearFaults();
}

TEST_F(AppTokenSourceTest, AbandonedCallsAreToldToTryAnotherReplica) {
  DevAuthority::Fault hang;
  hang.hang = true;
  authority_->AddFault(hang);
  std::thread caller([&] {
    const Result<AppToken> token = Acquire(Request());
    ASSERT_FALSE(token.ok());
    EXPECT_EQ(token.error().reason, Reason::kDraining);
  });
  while (authority_->counters().token_requests < 1) std::this_thread::yield();
  source_->Abandon();
  caller.join();
  const Result<AppToken> later = Acquire(Request());
  ASSERT_FALSE(later.ok());
  EXPECT_EQ(later.error().reason, Reason::kDraining);
  authority_->ClearFaults();
}

TEST_F(AppTokenSourceTest, TokensOfTheMachineAreNotSharedWithOthers) {
  const auto uses = [this] {
    int all = 0;
    for (const auto& loop : loops_) all += loop->shared.uses();
    return all;
  };
  ASSERT_TRUE(Acquire(Request()).ok());
  EXPECT_EQ(uses(), 2);

  devauth::ManagedIdentityEndpoint::Options options;
  options.identities.push_back({"", "", "", "machine"});
  options.now = [this] { return clock_.Now(); };
  auto platform = *devauth::ManagedIdentityEndpoint::Start(std::move(options),
                                                           *devauth::SigningKey::Generate());
  ManagedIdentity identity;
  identity.endpoint = platform->url();
  auto authority = std::make_shared<Authority>();
  authority->kind = AuthorityKind::kManagedIdentity;
  authority->token_endpoint = ManagedIdentityName(identity);
  auto registration = std::make_shared<Registration>();
  registration->name = "machine";
  registration->authority = authority;
  registration->managed_identity = std::make_shared<const ManagedIdentity>(identity);
  registration_ = registration;
  ASSERT_TRUE(Acquire(Request()).ok());
  std::atomic<int> served{0};
  std::vector<AppTokenSource::Wanted> wanted;
  for (const char* scope : {"api://a/.default", "api://b/.default"}) {
    AppTokenRequest request = Request(scope);
    std::string key = source_->KeyOf(request);
    wanted.push_back({std::move(request), std::move(key),
                      [&](Result<AppToken> token) { served += token.ok() ? 1 : 100; }});
  }
  source_->AcquireMany(std::move(wanted), clock_.Boot() + ToNanos(absl::Seconds(30)));
  while (served.load() < 2) std::this_thread::yield();
  EXPECT_EQ(served.load(), 2);
  EXPECT_EQ(platform->tokens(), 3);
  EXPECT_EQ(uses(), 2);
}

}  // namespace
}  // namespace tokensvc
