// SPDX-License-Identifier: Apache-2.0
// The order of what stands before the cache, and what a failed call leaves behind. Nothing here
// reaches an authority; tests/integration/cc has the whole way.
#include "service/rpc/token_service.h"

#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "cache/local_rate_budget.h"
#include "gtest/gtest.h"
#include "service/authority/authority_metadata.h"
#include "service/http/curl_http_transport.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

/// A policy of one rule, or of none: then callers may have nothing.
PolicySpec Nothing() { return {}; }
PolicySpec Everything() {
  PolicySpec spec;
  spec.rules.push_back({"all", {"*"}, {"*"}, {"*"}, {"*"}, {"*"}, true, true});
  return spec;
}

class TokenServiceHandlerTest : public ::testing::Test {
 protected:
  TokenServiceHandlerTest() {
    registration_->name = "orders";
    registration_->authority = std::make_shared<Authority>();
    registration_->any_tenant = true;
    registration_->default_tenant = "contoso.example";
    auto directory = std::make_shared<Directory>();
    directory->emplace("orders", registration_);
    directory_.Set(directory);
  }
  ~TokenServiceHandlerTest() override { loop_.Stop(); }

  grpc::Status Acquire(PolicySpec spec, const std::string& registration, const std::string& scope,
                       v1::AcquireForClientResponse* answer = nullptr) {
    PolicyHolder policy;
    policy.Set(*CompiledPolicy::Compile(std::move(spec), {{"orders", true}}));
    FixedCaller caller(Caller{"local:test"});
    TokenServiceHandler handler(
        {}, {directory_, policy, quotas_, budget_, source_, clock_, logger_, rpc_metrics_}, caller);
    grpc::ServerBuilder builder;
    builder.RegisterService(&handler);
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    const auto stub = v1::TokenService::NewStub(server->InProcessChannel({}));
    grpc::ClientContext context;
    v1::AcquireForClientRequest request;
    request.set_registration(registration);
    request.add_scopes(scope);
    request.set_correlation_id("corr-1");
    v1::AcquireForClientResponse response;
    const grpc::Status status = stub->AcquireForClient(&context, request, &response);
    server->Shutdown();
    if (answer != nullptr) *answer = response;
    return status;
  }

  /// Puts a token into the cache, as if it had been fetched.
  void Keep(const std::string& scope, absl::Duration refresh_in, absl::Duration expires_in) {
    AppTokenParams params;
    params.scopes = {scope};
    const Result<AppTokenRequest> request = MakeAppTokenRequest(registration_, params);
    ASSERT_TRUE(request.ok());
    TokenRecord::Fields fields;
    fields.token = "token";
    fields.refresh_at = clock_.Now() + refresh_in;
    fields.expires_at = clock_.Now() + expires_in;
    fields.due = clock_.Boot() + ToNanos(refresh_in);
    fields.usable_until = clock_.Boot() + ToNanos(expires_in);
    fields.generation = ++generations_;
    cache_.Store(source_.KeyOf(*request), "partition", TokenRecord::Make(fields));
  }

  const std::shared_ptr<Registration> registration_ = std::make_shared<Registration>();
  testing::FakeClock clock_;
  testing::CapturingLogger logger_;
  MetricRegistry registry_;
  RpcMetrics rpc_metrics_{registry_};
  SystemRandom random_;
  CallerQuotas quotas_{CallerQuota{5000, 10'000, 100}, registry_};
  ForcedRefreshBudget budget_{60};
  DirectoryHolder directory_;
  LocalCache cache_{LocalCache::Options()};
  FailureMemory failures_;
  std::atomic<std::uint64_t> generations_{0};
  AuthorityMetrics authority_metrics_{registry_};
  GrantMetrics grant_metrics_{registry_};
  EventLoop loop_;
  CurlHttpTransport transport_{loop_.context(), {}};
  AuthorityMetadata metadata_{transport_, clock_, logger_, authority_metrics_};
  WorkerPool workers_{1, 10};
  ManagedIdentityMetrics identity_metrics_{registry_};
  ManagedIdentityClient identities_{{transport_, clock_, workers_, logger_, identity_metrics_}};
  GrantEngine engine_{{transport_, metadata_, identities_, clock_, logger_, grant_metrics_}};
  NoSharedStore shared_;
  LocalRateBudget authority_budget_{clock_};
  LocalLeases leases_{generations_};
  AppTokenSource source_{{},
                         {cache_, failures_, clock_, random_, logger_, registry_},
                         {{&loop_, &engine_, &shared_, &leases_, &authority_budget_}}};
};

TEST_F(TokenServiceHandlerTest, ADeniedCallerLearnsNotWhichRegistrationsExist) {
  for (const char* scope : {"api://orders/.default", "not a scope"}) {
    const grpc::Status known = Acquire(Nothing(), "orders", scope);
    const grpc::Status unknown = Acquire(Nothing(), "nobody", scope);
    EXPECT_EQ(known.error_code(), grpc::StatusCode::PERMISSION_DENIED) << scope;
    EXPECT_EQ(known.error_code(), unknown.error_code());
    EXPECT_EQ(known.error_message(), unknown.error_message());
    EXPECT_EQ(known.error_details(), unknown.error_details());
  }
}

TEST_F(TokenServiceHandlerTest, AFailedCallLeavesOneLineWithWhatTheCallerWasNotTold) {
  EXPECT_FALSE(Acquire(Nothing(), "orders", "api://orders/.default").ok());
  EXPECT_FALSE(Acquire(Everything(), "orders", "not a scope").ok());
  EXPECT_FALSE(Acquire(Everything(), "no\nname", "api://orders/.default").ok());
  const std::vector<testing::CapturingLogger::Line> lines = logger_.lines();
  ASSERT_EQ(lines.size(), 3u);
  for (const auto& line : lines) {
    EXPECT_EQ(line.event, "call_failed");
    EXPECT_EQ(line.fields.at("method"), "AcquireForClient");
    EXPECT_EQ(line.fields.at("correlation_id"), "corr-1");
    EXPECT_EQ(line.fields.at("caller"), "local:test");
  }
  EXPECT_EQ(lines[0].fields.at("denied_for"), "registration");
  EXPECT_EQ(lines[0].fields.at("registration"), "orders");
  EXPECT_EQ(lines[1].fields.at("reason"), "INVALID_REQUEST");
  EXPECT_EQ(lines[1].fields.at("code"), "INVALID_ARGUMENT");
  EXPECT_EQ(lines[2].fields.at("denied_for"), "unknown_registration");
  EXPECT_EQ(lines[2].fields.at("registration"), "(no name)");
}

TEST_F(TokenServiceHandlerTest, AQuotaCountsWhatIsDeniedAndComesBeforeEverythingElse) {
  PolicySpec nothing = Nothing();
  nothing.quotas.push_back({{"local:test"}, {1, 3, 0}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Acquire(nothing, "orders", "api://orders/.default").error_code(),
              grpc::StatusCode::PERMISSION_DENIED);
  }
  // Whether a registration exists shows in no other way than before.
  for (const char* registration : {"orders", "nobody", ""}) {
    EXPECT_EQ(Acquire(nothing, registration, "api://orders/.default").error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_EQ(logger_.lines().back().fields.at("denied_for"), "quota");
  EXPECT_EQ(logger_.lines().back().fields.at("reason"), "QUOTA_EXCEEDED");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Acquire(nothing, "orders", "api://orders/.default").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(TokenServiceHandlerTest, SaysForHowLongATokenMayBeKeptAndWorks) {
  const std::string scope = "api://orders/.default";
  Keep(scope, absl::Minutes(30), absl::Hours(1));
  clock_.Advance(absl::Milliseconds(1500));
  v1::AcquireForClientResponse answer;
  ASSERT_TRUE(Acquire(Everything(), "orders", scope, &answer).ok());
  EXPECT_EQ(answer.near_cache_for().seconds(), 60);
  EXPECT_EQ(answer.expires_in().seconds(), 3598);
  EXPECT_EQ(answer.expires_in().nanos(), 500'000'000);

  // Never past the time of its refresh.
  clock_.Advance(absl::Minutes(30) - absl::Seconds(11));
  ASSERT_TRUE(Acquire(Everything(), "orders", scope, &answer).ok());
  EXPECT_EQ(answer.near_cache_for().seconds(), 9);
  EXPECT_EQ(answer.near_cache_for().nanos(), 500'000'000);

  registration_->near_cache = absl::ZeroDuration();
  ASSERT_TRUE(Acquire(Everything(), "orders", scope, &answer).ok());
  EXPECT_FALSE(answer.has_near_cache_for());
  EXPECT_FALSE(answer.has_near_cache_until());
  EXPECT_TRUE(answer.has_expires_in());
}

}  // namespace
}  // namespace tokensvc
