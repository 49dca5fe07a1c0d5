// SPDX-License-Identifier: Apache-2.0
// The core without gRPC, over real HTTP, from many threads: what ThreadSanitizer gets to see (ADR
// 0006).
#ifndef TOKENSVC_TESTS_SERVICE_SOURCE_APP_TOKEN_SOURCE_FIXTURE_H_
#define TOKENSVC_TESTS_SERVICE_SOURCE_APP_TOKEN_SOURCE_FIXTURE_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/this_coro.hpp"
#include "asio/use_awaitable.hpp"
#include "base/mutex.h"
#include "base/worker_pool.h"
#include "cache/local_rate_budget.h"
#include "gtest/gtest.h"
#include "service/credential/client_secret_credential.h"
#include "service/credential/credential_environment.h"
#include "service/http/curl_http_transport.h"
#include "service/source/app_token_source.h"
#include "tests/authority/dev_authority.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {

inline constexpr char kTenant[] = "11111111-1111-1111-1111-111111111111";
inline constexpr char kOtherTenant[] = "22222222-2222-2222-2222-222222222222";

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

/// Holds what it is given, if anything; counts how often it was asked; hangs where it is told to.
class FakeSharedStore final : public SharedStore {
 public:
  asio::awaitable<std::vector<absl::StatusOr<std::shared_ptr<const TokenRecord>>>> GetMany(
      std::vector<RecordName> names) override {
    uses_ += static_cast<int>(names.size());
    if (hangs_at_get.load()) co_await Hang();
    MutexLock lock(&mutex_);
    co_return std::vector<absl::StatusOr<std::shared_ptr<const TokenRecord>>>(names.size(), holds_);
  }
  asio::awaitable<absl::Status> Put(RecordName, std::shared_ptr<const TokenRecord>) override {
    ++uses_;
    if (hangs_at_put.load()) co_await Hang();
    co_return absl::OkStatus();
  }
  int uses() const { return uses_.load(); }
  void Hold(std::shared_ptr<const TokenRecord> record) {
    MutexLock lock(&mutex_);
    holds_ = std::move(record);
  }

  std::atomic<bool> hangs_at_get{false};
  std::atomic<bool> hangs_at_put{false};

 private:
  /// Until the loop ends.
  static asio::awaitable<void> Hang() {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
    co_await timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  }

  std::atomic<int> uses_{0};
  Mutex mutex_;
  std::shared_ptr<const TokenRecord> holds_ ABSL_GUARDED_BY(mutex_);
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
    FakeSharedStore shared;
    LocalLeases leases;
  };

  /// `budget`: in place of one in memory, for all loops.
  explicit AppTokenSourceTest(AuthorityBudget::Limits limits = {}, RateBudget* budget = nullptr) {
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
      workers.push_back({&loop.loop, &loop.engine, &loop.shared, &loop.leases,
                         budget == nullptr ? &budget_ : budget});
    }
    AppTokenSource::Options source_options;
    source_options.max_waiting_calls = 5000;
    source_options.authority_budget = limits;
    const AppTokenSource::Dependencies dependencies{cache_,  failures_, clock_,   random_,
                                                    logger_, registry_, &purges_, &namer_};
    source_ = std::make_unique<AppTokenSource>(source_options, dependencies, std::move(workers));
  }

  ~AppTokenSourceTest() override {
    for (const auto& loop : loops_) loop->loop.Stop();
  }

  static LocalCache::Options CacheOptions(const PurgeEpochs& purges) {
    LocalCache::Options options;
    options.purges = &purges;
    return options;
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

  AppTokenRequest RequestOf(const std::string& caller,
                            const std::string& scope = "api://orders/.default",
                            bool force = false) {
    AppTokenRequest request = Request(scope, force);
    request.caller = caller;
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
  PurgeEpochs purges_;
  FixedKeyRings keys_{{KeyRing::MakeRandom(KeyPurpose::kSealing, random_),
                       KeyRing::MakeRandom(KeyPurpose::kIndex, random_)}};
  PurgeNamer namer_{keys_, "fleet"};
  LocalCache cache_{CacheOptions(purges_)};
  FailureMemory failures_;
  LocalRateBudget budget_{clock_};
  std::atomic<std::uint64_t> generations_{0};
  std::unique_ptr<DevAuthority> authority_;
  std::shared_ptr<const Registration> registration_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::unique_ptr<AppTokenSource> source_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_SERVICE_SOURCE_APP_TOKEN_SOURCE_FIXTURE_H_
