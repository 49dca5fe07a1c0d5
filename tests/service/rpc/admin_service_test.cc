// SPDX-License-Identifier: Apache-2.0
// Who may call what, and what a call leaves behind. What is told and done: tests/integration/cc.
#include "service/rpc/admin_service.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "gmock/gmock.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

namespace v1 = admin::v1;

/// Answers everything with an empty message, or with `failure`; counts.
class FakeBackend final : public AdminBackend {
 public:
  Result<v1::GetBuildInfoResponse> GetBuildInfo(const v1::GetBuildInfoRequest&) override {
    return Answer<v1::GetBuildInfoResponse>();
  }
  Result<v1::GetEffectiveConfigurationResponse> GetEffectiveConfiguration(
      const v1::GetEffectiveConfigurationRequest&) override {
    return Answer<v1::GetEffectiveConfigurationResponse>();
  }
  Result<v1::GetCacheStatisticsResponse> GetCacheStatistics(
      const v1::GetCacheStatisticsRequest&) override {
    return Answer<v1::GetCacheStatisticsResponse>();
  }
  Result<v1::GetKeyRingsResponse> GetKeyRings(const v1::GetKeyRingsRequest&) override {
    return Answer<v1::GetKeyRingsResponse>();
  }
  Result<v1::ExplainAccessResponse> ExplainAccess(const v1::ExplainAccessRequest&) override {
    return Answer<v1::ExplainAccessResponse>();
  }
  Result<v1::TestPolicyResponse> TestPolicy(const v1::TestPolicyRequest&) override {
    return Answer<v1::TestPolicyResponse>();
  }
  void PurgeCache(const v1::PurgeCacheRequest&, BootTime deadline,
                  Done<v1::PurgeCacheResponse> done) override {
    last_deadline = deadline;
    v1::PurgeCacheResponse response;
    response.set_shared(shared);
    ++calls;
    if (failure.has_value()) return done(*failure);
    done(std::move(response));
  }
  void Reload(const v1::ReloadRequest&, BootTime deadline, Done<v1::ReloadResponse> done) override {
    last_deadline = deadline;
    v1::ReloadResponse response;
    response.set_outcome(reload);
    ++calls;
    done(std::move(response));
  }

  int calls = 0;
  bool shared = true;
  v1::ReloadOutcome reload = v1::RELOAD_OUTCOME_IN_FORCE;
  std::optional<Error> failure;
  BootTime last_deadline{};

 private:
  template <class Response>
  Result<Response> Answer() {
    ++calls;
    if (failure.has_value()) return *failure;
    return Response();
  }
};

/// Knows everybody, or nobody.
class AnyCaller final : public CallerResolver {
 public:
  void Resolve(const grpc::CallbackServerContext&, absl::Duration, Done done) override {
    if (!id.empty()) return done(std::make_shared<const Caller>(Caller{id}));
    CallerRefusal refusal;
    refusal.error.code = absl::StatusCode::kUnauthenticated;
    refusal.error.reason = Reason::kUnauthenticated;
    refusal.cause = "no_certificate";
    done(std::move(refusal));
  }
  std::string id;
};

class AdminServiceTest : public ::testing::Test {
 protected:
  using Stub = v1::AdminService::Stub;
  using Call = std::function<grpc::Status(Stub&, grpc::ClientContext&)>;

  AdminServiceTest() {
    PolicySpec spec;
    spec.administrators = {"local:admin"};
    spec.observers = {"local:observer"};
    policy_.Set(*CompiledPolicy::Compile(std::move(spec), {}));
    grpc::ServerBuilder builder;
    builder.RegisterService(&handler_);
    server_ = builder.BuildAndStart();
    stub_ = v1::AdminService::NewStub(server_->InProcessChannel({}));
  }
  ~AdminServiceTest() override { server_->Shutdown(); }

  template <class Request, class Response>
  static Call Method(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                     const Request& request = {}) {
    return [method, request](Stub& stub, grpc::ClientContext& context) {
      Response response;
      return (stub.*method)(&context, request, &response);
    };
  }

  /// Every method of the contract, by its name.
  static std::map<std::string, Call> Methods() {
    return {{"GetBuildInfo", Method(&Stub::GetBuildInfo)},
            {"GetEffectiveConfiguration", Method(&Stub::GetEffectiveConfiguration)},
            {"GetCacheStatistics", Method(&Stub::GetCacheStatistics)},
            {"GetKeyRings", Method(&Stub::GetKeyRings)},
            {"ExplainAccess", Method(&Stub::ExplainAccess)},
            {"TestPolicy", Method(&Stub::TestPolicy)},
            {"PurgeCache", Method(&Stub::PurgeCache)},
            {"Reload", Method(&Stub::Reload)}};
  }

  grpc::Status As(const std::string& caller, const Call& call) {
    callers_.id = caller;
    grpc::ClientContext context;
    return call(*stub_, context);
  }
  grpc::Status Purge(const std::string& caller, const std::string& registration) {
    v1::PurgeCacheRequest request;
    request.set_registration(registration);
    return As(caller, Method(&Stub::PurgeCache, request));
  }

  static std::string ReasonOf(const grpc::Status& status) {
    google::rpc::Status details;
    google::rpc::ErrorInfo info;
    if (!details.ParseFromString(status.error_details()) || details.details_size() == 0 ||
        !details.details(0).UnpackTo(&info)) {
      return "";
    }
    return info.reason();
  }

  std::vector<AdminAction> Actions() {
    MutexLock lock(&mutex_);
    return actions_;
  }
  std::int64_t Calls(const std::string& method, const std::string& code) {
    std::int64_t calls = -1;
    registry_.ForEach([&](const MetricRegistry::Entry& entry) {
      if (entry.name == "tokensvc_rpc_calls_total" &&
          entry.labels == MetricLabels{{"method", method}, {"code", code}}) {
        calls = entry.counter->Value();
      }
    });
    return calls;
  }

  Mutex mutex_;
  std::vector<AdminAction> actions_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> recorded_ = true;  ///< Whether the audit log takes records.
  testing::FakeClock clock_;
  testing::CapturingLogger logger_;
  MetricRegistry registry_;
  AdminMetrics metrics_{registry_};
  PolicyHolder policy_;
  FakeBackend backend_;
  AnyCaller callers_;
  AdminServiceHandler::Dependencies dependencies_() {
    return {policy_,
            backend_,
            executor_,
            clock_,
            logger_,
            metrics_,
            [this](const AdminAction& action, const std::function<void(bool)>& then) {
              {
                MutexLock lock(&mutex_);
                actions_.push_back(action);
              }
              then(recorded_);
            }};
  }
  AdminExecutor executor_;
  AdminServiceHandler handler_{{}, dependencies_(), callers_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
};

TEST_F(AdminServiceTest, EveryMethodOfTheContractSaysWhichRoleItNeeds) {
  const auto& service =
      *v1::GetBuildInfoRequest::descriptor()->file()->FindServiceByName("AdminService");
  EXPECT_EQ(static_cast<std::size_t>(service.method_count()), Methods().size())
      << "a method is missing in these tests";
  for (int i = 0; i < service.method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *service.method(i);
    EXPECT_NE(method.options().GetExtension(v1::required_role), v1::ROLE_UNSPECIFIED)
        << method.name();
    EXPECT_EQ(Methods().count(method.name()), 1u) << method.name();
    EXPECT_EQ(Calls(method.name(), "OK"), 0) << "no metric of " << method.name();
  }
}

TEST_F(AdminServiceTest, OnlyRolesOfThePolicyLetAnybodyIn) {
  struct Caller {
    std::string id;
    grpc::StatusCode looks, changes;
  };
  const grpc::StatusCode ok = grpc::StatusCode::OK;
  const grpc::StatusCode denied = grpc::StatusCode::PERMISSION_DENIED;
  const grpc::StatusCode unknown = grpc::StatusCode::UNAUTHENTICATED;
  for (const Caller& caller : {Caller{"local:admin", ok, ok},
                               {"local:observer", ok, denied},
                               {"local:nobody", denied, denied},
                               {"local:admin2", denied, denied},
                               {"", unknown, unknown}}) {
    for (const auto& [name, call] : Methods()) {
      const bool change = name == "PurgeCache" || name == "Reload";
      const int before = backend_.calls;
      const grpc::Status status = As(caller.id, call);
      const grpc::StatusCode expected = change ? caller.changes : caller.looks;
      EXPECT_EQ(status.error_code(), expected) << caller.id << " " << name;
      EXPECT_EQ(backend_.calls - before, expected == ok ? 1 : 0) << caller.id << " " << name;
      if (expected == denied) {
        EXPECT_EQ(ReasonOf(status), "ROLE_REQUIRED");
      }
    }
  }
  EXPECT_EQ(Calls("PurgeCache", "OK"), 1);
  EXPECT_EQ(Calls("PurgeCache", "PERMISSION_DENIED"), 3);
  EXPECT_EQ(Calls("GetBuildInfo", "UNAUTHENTICATED"), 1);
}

TEST_F(AdminServiceTest, EachChangeLeavesAnAuditRecordAndALogLine) {
  EXPECT_TRUE(Purge("local:admin", "orders").ok());
  backend_.shared = false;
  EXPECT_TRUE(Purge("local:admin", "orders").ok());
  EXPECT_FALSE(Purge("local:observer", "orders").ok());
  EXPECT_FALSE(Purge("", "orders").ok());
  EXPECT_TRUE(As("local:admin", Method(&Stub::Reload)).ok());
  backend_.reload = v1::RELOAD_OUTCOME_REFUSED;
  EXPECT_TRUE(As("local:admin", Method(&Stub::Reload)).ok());
  EXPECT_TRUE(As("local:admin", Method(&Stub::GetBuildInfo)).ok());
  backend_.failure = InvalidRequest("registration", "wrong");
  EXPECT_FALSE(Purge("local:admin", "orders").ok());

  const std::vector<AdminAction> actions = Actions();
  std::vector<std::string> told;
  for (const AdminAction& each : actions) {
    told.push_back(each.caller + " " + each.action + " [" + each.target + "] " + each.outcome);
    EXPECT_FALSE(each.correlation_id.empty());
  }
  EXPECT_THAT(
      told, ::testing::ElementsAre("local:admin PurgeCache [registration orders] done",
                                   "local:admin PurgeCache [registration orders] done_here_only",
                                   "local:observer PurgeCache [registration orders] ROLE_REQUIRED",
                                   "local:admin Reload [] done", "local:admin Reload [] refused",
                                   "local:admin PurgeCache [registration orders] INVALID_REQUEST"));
  EXPECT_EQ(logger_.Count("admin_action"), actions.size());
  EXPECT_EQ(logger_.Count("call_failed"), 3u);
}

TEST_F(AdminServiceTest, AChangeThatIsNotRecordedIsNotAnswered) {
  recorded_ = false;
  EXPECT_EQ(Purge("local:admin", "orders").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Purge("local:observer", "orders").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(As("local:admin", Method(&Stub::GetBuildInfo)).ok()) << "changes nothing";
}

TEST_F(AdminServiceTest, AnAuditRecordRepeatsNamesOnly) {
  EXPECT_TRUE(Purge("local:admin", "CANARY with\nspaces").ok());
  v1::PurgeCacheRequest request;
  request.mutable_tenant()->set_authority("entra");
  request.mutable_tenant()->set_tenant("contoso.com");
  EXPECT_TRUE(As("local:admin", Method(&Stub::PurgeCache, request)).ok());
  request.mutable_credential()->set_registration("orders");
  request.mutable_credential()->set_credential("orders/0");
  EXPECT_TRUE(As("local:admin", Method(&Stub::PurgeCache, request)).ok());
  const std::vector<AdminAction> actions = Actions();
  ASSERT_EQ(actions.size(), 3u);
  EXPECT_EQ(actions[0].target, "registration (no name)");
  EXPECT_EQ(actions[1].target, "tenant entra contoso.com");
  EXPECT_EQ(actions[2].target, "credential orders orders/0");
  EXPECT_THAT(logger_.AllText(), ::testing::Not(::testing::HasSubstr("CANARY")));
}

TEST_F(AdminServiceTest, ChangesGetTheCallsDeadlineWithinBounds) {
  callers_.id = "local:admin";
  v1::ReloadResponse response;
  const BootTime now = clock_.Boot();
  grpc::ClientContext none;
  EXPECT_TRUE(stub_->Reload(&none, {}, &response).ok());
  EXPECT_EQ(backend_.last_deadline - now, std::chrono::seconds(10));
  // Early enough that the answer arrives.
  grpc::ClientContext usual;
  usual.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  EXPECT_TRUE(stub_->Reload(&usual, {}, &response).ok());
  EXPECT_LT(backend_.last_deadline - now, std::chrono::milliseconds(9800));  // gRPC rounds up.
  grpc::ClientContext long_one;
  long_one.set_deadline(std::chrono::system_clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(stub_->Reload(&long_one, {}, &response).ok());
  EXPECT_EQ(backend_.last_deadline - now, std::chrono::seconds(60));
}

TEST_F(AdminServiceTest, WhatIsTooMuchIsRefusedAtOnce) {
  Mutex mutex;
  CondVar changed;
  bool taken = false, go = false;
  executor_.Run([&] {
    MutexLock lock(&mutex);
    taken = true;
    changed.NotifyAll();
    while (!go) changed.Wait(&mutex);
  });
  {
    MutexLock lock(&mutex);
    while (!taken) changed.Wait(&mutex);
  }
  // The executor's thread is taken; now its queue is filled.
  while (executor_.Run([] {})) {
  }
  const grpc::Status status = As("local:observer", Method(&Stub::GetBuildInfo));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  {
    MutexLock lock(&mutex);
    go = true;
  }
  changed.NotifyAll();
  // Waits until the queue has been worked off.
  CondVar worked;
  bool done = false;
  const auto finish = [&] {
    MutexLock lock(&mutex);
    done = true;
    worked.NotifyAll();
  };
  while (!executor_.Run(finish)) {
  }
  MutexLock lock(&mutex);
  while (!done) worked.Wait(&mutex);
}

}  // namespace
}  // namespace tokensvc
