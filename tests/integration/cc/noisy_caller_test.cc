// SPDX-License-Identifier: Apache-2.0
// One caller that asks for far more than it may, beside one that does not (DESIGN.md §2, invariants
// 5 and 10). Time stands still but where the test moves it, so that quotas are exact.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "service/config/load_config.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kQuota = 20;  // Calls a second of the noisy caller.

/// A service with a listener for each caller.
class NoisyCallerTest : public ServiceFixture {
 protected:
  struct Caller {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<v1::TokenService::Stub> stub;
  };

  /// `quotas`: of the policy; empty: `NoisyQuota()`. `more`: keys of the configuration.
  void StartBoth(DevAuthority::Options options = {}, const std::string& quotas = "",
                 const std::string& more = "") {
    WriteFile("secret", kSecretCanary);
    options.clients.push_back({"orders-service", {kSecretCanary}, {}, {}});
    options.now = [this] { return clock_.Now(); };
    StartAuthority(std::move(options));
    StartService(WithBoth(Configuration(more), quotas.empty() ? NoisyQuota() : quotas));
    noisy_ = Connect(server_->Addresses()[0].second);
    quiet_ = Connect(server_->Addresses()[1].second);
  }
  static std::string WithBoth(std::string configuration, const std::string& quotas) {
    const std::string one = "identity: tests, reflection: true}]";
    configuration.replace(configuration.find(one), one.size(),
                          "identity: noisy}, {name: other, address: \"127.0.0.1:0\", "
                          "plaintext: {}, identity: quiet}]");
    const std::string rules = "policy: {rules:";
    configuration.replace(configuration.find(rules), rules.size(),
                          absl::StrCat("policy: {quotas: [", quotas, "], rules:"));
    return configuration;
  }
  static std::string NoisyQuota(int concurrent_calls = 5, int calls = kQuota) {
    return absl::StrCat("{callers: [\"local:noisy\"], calls_per_second: ", calls,
                        ", burst: ", calls, ", concurrent_calls: ", concurrent_calls, "}");
  }
  static Caller Connect(const std::string& address) {
    Caller caller;
    caller.channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
    caller.stub = v1::TokenService::NewStub(caller.channel);
    return caller;
  }
  static grpc::Status Call(const Caller& caller, const v1::AcquireForClientRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    v1::AcquireForClientResponse response;
    return caller.stub->AcquireForClient(&context, request, &response);
  }
  v1::AcquireForClientRequest NewRequest() {
    return Request(absl::StrCat("api://new-", ++scopes_, "/.default"));
  }
  static v1::AcquireForClientRequest Forced() {
    v1::AcquireForClientRequest request = Request();
    request.set_force_refresh(true);
    return request;
  }
  static void ExpectQuota(const grpc::Status& status) {
    const ReadStatus read = Read(status);
    EXPECT_EQ(read.code, grpc::StatusCode::RESOURCE_EXHAUSTED) << read.message;
    EXPECT_EQ(read.reason, "QUOTA_EXCEEDED");
    EXPECT_GT(read.retry_after.value_or(absl::ZeroDuration()), absl::ZeroDuration());
  }
  /// Calls of the noisy one, from several threads: how many got through.
  int Storm(int calls, const std::function<v1::AcquireForClientRequest()>& request) {
    std::atomic<int> left{calls};
    std::atomic<int> passed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        while (left-- > 0) {
          const grpc::Status status = Call(noisy_, request());
          if (status.ok()) {
            ++passed;
          } else {
            EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
                << status.error_message();
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return passed;
  }
  double Metric(const std::string& name) const {
    for (const absl::string_view line : absl::StrSplit(Metrics(), '\n')) {
      if (line.substr(0, name.size() + 1) == name + " ") {
        return std::stod(std::string(line.substr(name.size() + 1)));
      }
    }
    ADD_FAILURE() << "no metric " << name;
    return -1;
  }

  Caller noisy_;
  Caller quiet_;

 private:
  std::atomic<int> scopes_{0};
};

TEST_F(NoisyCallerTest, ACallerAtFiftyTimesItsQuotaGetsItsQuotaAndTheOtherLosesNothing) {
  StartBoth();
  std::vector<std::string> lost;
  std::atomic<bool> over{false};
  std::thread quiet([&] {
    for (int i = 0; !over || i < 200; ++i) {
      const grpc::Status status = Call(quiet_, i % 10 == 9 ? NewRequest() : Request());
      if (!status.ok()) lost.push_back(status.error_message());
    }
  });
  constexpr int kSeconds = 3;
  int passed = 0;
  for (int second = 0; second < kSeconds; ++second) {
    if (second > 0) clock_.Advance(absl::Seconds(1));
    passed += Storm(50 * kQuota, [] { return Request(); });
  }
  over = true;
  quiet.join();
  EXPECT_THAT(lost, IsEmpty());
  EXPECT_EQ(passed, kSeconds * kQuota);
  EXPECT_EQ(Metric("tokensvc_quota_refusals_total"), kSeconds * 49 * kQuota);
  ExpectQuota(Call(noisy_, Request()));
}

TEST_F(NoisyCallerTest, WhatIsDeniedOrMalformedCountsAsMuch) {
  StartBoth();
  v1::AcquireForClientRequest unknown = Request();
  unknown.set_registration("nothing");
  for (int i = 0; i < kQuota / 2; ++i) {
    EXPECT_EQ(Call(noisy_, unknown).error_code(), grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(Call(noisy_, {}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  ExpectQuota(Call(noisy_, unknown));
  ExpectQuota(Call(noisy_, Request()));
  EXPECT_TRUE(Call(quiet_, Request()).ok());
}

TEST_F(NoisyCallerTest, ABatchCountsEachOfItsRequestsAndIsRefusedWhole) {
  StartBoth();
  const auto batch = [this](int size) {
    grpc::ClientContext context;
    v1::BatchAcquireForClientRequest request;
    for (int i = 0; i < size; ++i) *request.add_requests() = Request();
    v1::BatchAcquireForClientResponse response;
    return noisy_.stub->BatchAcquireForClient(&context, request, &response);
  };
  EXPECT_TRUE(batch(kQuota - 5).ok());
  ExpectQuota(batch(6));
  EXPECT_TRUE(batch(5).ok());
  ExpectQuota(Call(noisy_, Request()));
}

TEST_F(NoisyCallerTest, AReloadChangesAQuotaAtOnceAndFillsNone) {
  StartBoth();
  EXPECT_EQ(Storm(2 * kQuota, [] { return Request(); }), kQuota);
  const auto reload = [this](int calls) {
    auto config = ParseConfig(WithBoth(Configuration(), NoisyQuota(5, calls)));
    ASSERT_TRUE(config.ok());
    ASSERT_TRUE(server_->Reload(*config).ok());
  };
  reload(2 * kQuota);
  EXPECT_EQ(Storm(2 * kQuota, [] { return Request(); }), kQuota) << "what is new of it";
  reload(kQuota);
  EXPECT_EQ(Storm(5, [] { return Request(); }), 0);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Storm(2 * kQuota, [] { return Request(); }), kQuota);
}

TEST_F(NoisyCallerTest, CallsOfOneCallerThatWaitAreBoundedAndTheOtherIsServed) {
  constexpr int kWaiting = 5;
  StartBoth({}, NoisyQuota(kWaiting));
  DevAuthority::Fault hangs;
  hangs.hang = true;
  authority_->AddFault(hangs);
  // All of its quota, for tokens that nobody has; the authority does not answer for now.
  std::atomic<int> passed{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> noisy;
  for (int i = 0; i < kQuota; ++i) {
    noisy.emplace_back([this, &passed, &refused] {
      const grpc::Status status = Call(noisy_, NewRequest());
      ++(status.ok() ? passed : refused);
      if (!status.ok()) ExpectQuota(status);
    });
  }
  while (refused < kQuota - kWaiting) std::this_thread::yield();
  EXPECT_EQ(Metric("tokensvc_waiting_calls"), kWaiting);
  EXPECT_EQ(Metric("tokensvc_waiting_calls_refused_total{bound=\"caller\"}"), kQuota - kWaiting);
  std::vector<std::thread> quiet;
  std::atomic<int> served{0};
  for (int i = 0; i < 3 * kWaiting; ++i) {
    quiet.emplace_back([this, &served] { served += Call(quiet_, NewRequest()).ok() ? 1 : 0; });
  }
  while (Metric("tokensvc_waiting_calls") < 4 * kWaiting) std::this_thread::yield();
  authority_->ClearFaults();
  for (std::thread& each : noisy) each.join();
  for (std::thread& each : quiet) each.join();
  EXPECT_EQ(served, 3 * kWaiting);
  EXPECT_EQ(passed, kWaiting);
}

/// The authority takes 120 requests a minute of a client, and no more.
DevAuthority::Options Throttles() {
  DevAuthority::Options options;
  options.throttle = {120, absl::Minutes(1), absl::Seconds(30)};
  return options;
}

TEST_F(NoisyCallerTest, WhoAlwaysForcesMakesTheAuthorityThrottleNobody) {
  // No quota stands between the noisy one and the budgets of forced refreshes.
  StartBoth(Throttles(), "{callers: [\"*\"], calls_per_second: 1000000}",
            "limits: {forced_refreshes_per_minute: 100000}\n");
  std::vector<std::string> lost;
  int forced = 0;
  for (int second = 0; second < 60; ++second) {
    forced += Storm(20, [] { return Forced(); });
    // A token that nobody has, each second, and one that is there.
    for (const auto& request : {NewRequest(), Request()}) {
      const grpc::Status status = Call(quiet_, request);
      if (!status.ok()) lost.push_back(status.error_message());
    }
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_THAT(lost, IsEmpty());
  // Half of the 60 a minute, and half of what may come at once; calls that came together share one.
  EXPECT_GE(forced, 30);
  EXPECT_EQ(authority_->counters().token_replies_by_error.count("(throttled)"), 0u);
  EXPECT_LE(authority_->counters().token_requests, 60 + 1 + 30 + 5);
}

TEST_F(NoisyCallerTest, WhereForcedRefreshesAreThrottledAllTheSameTheOthersGoOn) {
  // An operator who knows better lets far more be forced than the authority takes: it refuses the
  // forced ones, and what it has left is the others'.
  StartBoth(Throttles(), "{callers: [\"*\"], calls_per_second: 1000000}",
            "limits: {forced_refreshes_per_minute: 100000, authority_budget: "
            "{forced_refreshes_per_minute: 100000}}\n");
  ASSERT_TRUE(Call(quiet_, Request()).ok());
  Storm(200, [this] {
    v1::AcquireForClientRequest request = NewRequest();
    request.set_force_refresh(true);
    return request;
  });
  const auto throttled = authority_->counters().token_replies_by_error["(throttled)"];
  EXPECT_GE(throttled, 1);
  EXPECT_LE(throttled, 8) << "those that were under way at the first refusal";
  EXPECT_TRUE(Call(quiet_, Request()).ok());
  // The authority's word keeps the forced ones away until its minute is over.
  clock_.Advance(absl::Seconds(29));
  EXPECT_EQ(Storm(50, [] { return Forced(); }), 0);
  clock_.Advance(absl::Seconds(32));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Call(quiet_, NewRequest()).ok());
}

TEST_F(NoisyCallerTest, OneCallersNewTokensLeaveHalfOfATenantsBudgetToTheOthers) {
  StartBoth({}, "{callers: [\"*\"], calls_per_second: 1000000}",
            "limits: {authority_budget: {requests_per_minute: 40}}\n");
  EXPECT_EQ(Storm(100, [this] { return NewRequest(); }), 20);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Call(quiet_, NewRequest()).ok());
  const ReadStatus refused = Read(Call(quiet_, NewRequest()));
  EXPECT_EQ(refused.reason, "QUOTA_EXCEEDED");
  EXPECT_EQ(refused.retry_after, absl::Milliseconds(3000));
  EXPECT_THAT(refused.message, HasSubstr("requests to the authority for this tenant"));
  clock_.Advance(absl::Seconds(3));
  EXPECT_TRUE(Call(quiet_, NewRequest()).ok());
}

}  // namespace
}  // namespace tokensvc::testing
