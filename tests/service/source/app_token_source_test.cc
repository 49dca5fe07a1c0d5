// SPDX-License-Identifier: Apache-2.0
// The core without gRPC, over real HTTP, from many threads: what ThreadSanitizer gets to see (ADR
// 0006).
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
#include "base/mutex.h"
#include "base/worker_pool.h"
#include "gtest/gtest.h"
#include "service/credential/client_secret_credential.h"
#include "service/credential/credential_environment.h"
#include "service/http/curl_http_transport.h"
#include "tests/authority/dev_authority.h"
#include "tests/authority/managed_identity_endpoint.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

constexpr char kTenant[] = "11111111-1111-1111-1111-111111111111";
constexpr char kOtherTenant[] = "22222222-2222-2222-2222-222222222222";

/// A secret that is simply there.
class FixedSecret final : public ClientCredential {
 public:
  const std::string& id() const override { return id_; }
  asio::awaitable<absl::Status> AddTo(TokenEndpointRequest& request) override {
    request.form.emplace_back("client_id", Secret::CopyOf(request.client_id));
    request.form.emplace_back("client_secret", Secret::CopyOf("s3cret"));
    co_return absl::OkStatus();
  }
  std::uint64_t version() const override { return 1; }

 private:
  const std::string id_ = "orders/0";
};

/// Holds nothing, and counts how often it was asked to.
class CountingStore final : public SharedStore {
 public:
  asio::awaitable<std::vector<absl::StatusOr<std::shared_ptr<const TokenRecord>>>> GetMany(
      std::vector<RecordName> names) override {
    uses_ += static_cast<int>(names.size());
    co_return std::vector<absl::StatusOr<std::shared_ptr<const TokenRecord>>>(
        names.size(), std::shared_ptr<const TokenRecord>());
  }
  asio::awaitable<absl::Status> Put(RecordName, std::shared_ptr<const TokenRecord>) override {
    ++uses_;
    co_return absl::OkStatus();
  }
  int uses() const { return uses_.load(); }

 private:
  std::atomic<int> uses_{0};
};

class AppTokenSourceTest : public ::testing::Test {
 protected:
  static constexpr int kLoops = 2;

  struct Loop {
    explicit Loop(AppTokenSourceTest& test)
        : transport(loop.context(), {}),
          metadata(transport, test.clock_, test.logger_, test.authority_metrics_),
          identities({transport, test.clock_, test.workers_, test.logger_, test.identity_metrics_}),
          engine({transport, metadata, identities, test.clock_, test.logger_, test.grant_metrics_}),
          leases(test.generations_) {}
    EventLoop loop;
    CurlHttpTransport transport;
    AuthorityMetadata metadata;
    ManagedIdentityClient identities;
    GrantEngine engine;
    CountingStore shared;
    LocalLeases leases;
  };

  AppTokenSourceTest() {
    DevAuthority::Options options;
    options.clients.push_back({"orders-service", {"s3cret"}, {}, {}});
    authority_ = *DevAuthority::Start(std::move(options));

    auto authority = std::make_shared<Authority>();
    authority->name = "dev";
    authority->base_url = authority_->base_url();
    authority->instance_discovery = false;
    auto registration = std::make_shared<Registration>();
    registration->name = "orders";
    registration->authority = authority;
    registration->client_id = "orders-service";
    registration->any_tenant = true;
    registration->default_tenant = kTenant;
    registration->credentials = MakeCredentials();
    registration_ = registration;

    std::vector<AppTokenSource::Worker> workers;
    for (int i = 0; i < kLoops; ++i) {
      loops_.push_back(std::make_unique<Loop>(*this));
      Loop& loop = *loops_.back();
      workers.push_back({&loop.loop, &loop.engine, &loop.shared, &loop.leases});
    }
    AppTokenSource::Options source_options;
    source_options.max_waiting_calls = 5000;
    const AppTokenSource::Dependencies dependencies{cache_,  failures_, clock_,
                                                    random_, logger_,   registry_};
    source_ = std::make_unique<AppTokenSource>(source_options, dependencies, std::move(workers));
  }

  ~AppTokenSourceTest() override {
    for (const auto& loop : loops_) loop->loop.Stop();
  }

  std::shared_ptr<CredentialList> MakeCredentials() {
    std::vector<std::shared_ptr<ClientCredential>> credentials = {std::make_shared<FixedSecret>()};
    const CredentialEnvironment environment{clock_, random_, workers_, logger_,
                                            credential_metrics_};
    return std::make_shared<CredentialList>(std::move(credentials), environment);
  }

  AppTokenRequest Request(const std::string& scope = "api://orders/.default", bool force = false) {
    AppTokenParams params;
    params.scopes = {scope};
    params.force_refresh = force;
    Result<AppTokenRequest> request = MakeAppTokenRequest(registration_, params);
    EXPECT_TRUE(request.ok());
    return *std::move(request);
  }

  AppTokenRequest RequestIn(const std::string& tenant) {
    AppTokenRequest request = Request();
    request.tenant = tenant;
    return request;
  }

  AppTokenRequest RequestWithChallenge(const std::string& claims) {
    AppTokenRequest request = Request();
    request.claims_challenge = claims;
    return request;
  }

  /// As a handler does it: the cache first, then a flight, waited for by this thread.
  Result<AppToken> Acquire(AppTokenRequest request, absl::Duration timeout = absl::Seconds(30)) {
    std::string key = source_->KeyOf(request);
    if (auto hit = source_->Lookup(request, key, clock_.Boot())) return *std::move(hit);
    Mutex mutex;
    CondVar ended;
    std::optional<Result<AppToken>> result;
    source_->Acquire(std::move(request), std::move(key), clock_.Boot() + ToNanos(timeout),
                     [&](Result<AppToken> token) {
                       MutexLock lock(&mutex);
                       result.emplace(std::move(token));
                       ended.NotifyAll();
                     });
    MutexLock lock(&mutex);
    while (!result.has_value()) ended.Wait(&mutex);
    return *std::move(result);
  }

  testing::FakeClock clock_;
  testing::CapturingLogger logger_;
  SystemRandom random_;
  MetricRegistry registry_;
  WorkerPool workers_{1, 100};
  AuthorityMetrics authority_metrics_{registry_};
  GrantMetrics grant_metrics_{registry_};
  CredentialMetrics credential_metrics_{registry_, clock_};
  ManagedIdentityMetrics identity_metrics_{registry_};
  LocalCache cache_{LocalCache::Options()};
  FailureMemory failures_;
  std::atomic<std::uint64_t> generations_{0};
  std::unique_ptr<DevAuthority> authority_;
  std::shared_ptr<const Registration> registration_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::unique_ptr<AppTokenSource> source_;
};

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
