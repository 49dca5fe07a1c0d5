// SPDX-License-Identifier: Apache-2.0
// The AdminService of the real server: who gets in where, and what it tells.
#include <array>
#include <functional>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/key_ring.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "service/config/load_config.h"
#include "tests/integration/cc/admin_fixture.h"

namespace tokensvc::testing {
namespace {

namespace adm = admin::v1;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class AdminAccessTest : public AdminFixture {
 protected:
  using AnyCall = std::function<grpc::StatusCode(const std::string& listener)>;

  template <class Request, class Response>
  AnyCall Any(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request = {}) const {
    return [this, method, request](const std::string& listener) {
      Response response;
      return Call(method, request, &response, listener).error_code();
    };
  }

  /// Calls that would succeed, by the method's name.
  std::map<std::string, AnyCall> Looks() const {
    adm::ExplainAccessRequest explain;
    explain.set_caller("local:tests");
    explain.set_registration("orders");
    explain.add_scopes(kResource);
    adm::TestPolicyRequest test;
    test.set_expectations_yaml(
        "expectations: [{caller: \"local:x\", registration: orders, scopes: [s], expect: deny}]");
    return {{"GetBuildInfo", Any(&Stub::GetBuildInfo)},
            {"GetEffectiveConfiguration", Any(&Stub::GetEffectiveConfiguration)},
            {"GetCacheStatistics", Any(&Stub::GetCacheStatistics)},
            {"GetKeyRings", Any(&Stub::GetKeyRings)},
            {"ExplainAccess", Any(&Stub::ExplainAccess, explain)},
            {"TestPolicy", Any(&Stub::TestPolicy, test)}};
  }
  std::map<std::string, AnyCall> Changes() const {
    adm::PurgeCacheRequest purge;
    purge.set_registration("orders");
    return {{"PurgeCache", Any(&Stub::PurgeCache, purge)}, {"Reload", Any(&Stub::Reload)}};
  }

  adm::PurgeCacheResponse Purge(const std::function<void(adm::PurgeCacheRequest&)>& fill) const {
    adm::PurgeCacheRequest request;
    fill(request);
    return Must(&Stub::PurgeCache, request);
  }

  adm::ExplainAccessResponse Explain(const std::string& caller, const std::string& tenant) const {
    adm::ExplainAccessRequest request;
    request.set_caller(caller);
    request.set_registration("orders");
    request.set_tenant(tenant);
    request.add_scopes(kResource);
    return Must(&Stub::ExplainAccess, request);
  }
};

TEST_F(AdminAccessTest, RolesDecideWhoMayLookAndWhoMayChangeThings) {
  StartAdmin();
  for (const auto& [name, call] : Looks()) {
    EXPECT_EQ(call("administrator"), grpc::StatusCode::OK) << name;
    EXPECT_EQ(call("observer"), grpc::StatusCode::OK) << name;
    EXPECT_EQ(call("nobody"), grpc::StatusCode::PERMISSION_DENIED) << name;
  }
  for (const auto& [name, call] : Changes()) {
    EXPECT_EQ(call("administrator"), grpc::StatusCode::OK) << name;
    EXPECT_EQ(call("observer"), grpc::StatusCode::PERMISSION_DENIED) << name;
    EXPECT_EQ(call("nobody"), grpc::StatusCode::PERMISSION_DENIED) << name;
  }
  EXPECT_EQ(logger_.Count("admin_action"), 6u) << "each attempt of each caller";
  EXPECT_THAT(
      Metrics(),
      HasSubstr("tokensvc_rpc_calls_total{method=\"Reload\",code=\"PERMISSION_DENIED\"} 2"));
}

TEST_F(AdminAccessTest, ARoleIsNoRuleAndARuleIsNoRole) {
  StartAdmin();
  // Whoever may have tokens is nobody here; and the administrator may have none.
  EXPECT_TRUE(Explain("local:tests", "").allowed());
  EXPECT_FALSE(Explain("local:administrator", "").allowed());
}

TEST_F(AdminAccessTest, TokensAndAdministrationAreServedApart) {
  StartAdmin();
  for (const auto& calls : {Looks(), Changes()}) {
    for (const auto& [name, call] : calls) {
      EXPECT_EQ(call("local"), grpc::StatusCode::UNIMPLEMENTED) << name;
    }
  }
  const auto tokens = v1::TokenService::NewStub(
      grpc::CreateChannel(AddressOf("administrator"), grpc::InsecureChannelCredentials()));
  grpc::ClientContext one, two, three;
  v1::AcquireForClientResponse token;
  v1::BatchAcquireForClientResponse batch;
  v1::CreateAuthorizationHeaderResponse header;
  EXPECT_EQ(tokens->AcquireForClient(&one, Request(), &token).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(tokens->BatchAcquireForClient(&two, {}, &batch).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(tokens->CreateAuthorizationHeader(&three, {}, &header).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  MustAcquire(Request());
}

TEST_F(AdminAccessTest, BuildInfoTellsWhatRunsSinceWhen) {
  StartAdmin();
  clock_.Advance(absl::Seconds(90));
  const auto info = Must(&Stub::GetBuildInfo);
  EXPECT_FALSE(info.version().empty());
  EXPECT_FALSE(info.compiler().empty());
  EXPECT_EQ(info.libraries().at("gRPC"), grpc::Version());
  EXPECT_EQ(info.uptime().seconds(), 90);
}

TEST_F(AdminAccessTest, ExplainAnswersAsTheServiceDoes) {
  StartAdmin();
  const auto allowed = Explain("local:tests", "");
  EXPECT_TRUE(allowed.allowed());
  EXPECT_EQ(allowed.rule(), "tests");
  MustAcquire(Request());
  const auto unknown = Explain("local:stranger", "");
  EXPECT_FALSE(unknown.allowed());
  EXPECT_THAT(unknown.because(), HasSubstr("no rule names this caller"));
  const auto unlisted = Explain("local:tests", "fabrikam.example");
  EXPECT_FALSE(unlisted.allowed());
  EXPECT_THAT(unlisted.because(), HasSubstr("not on the registration's list"));
  auto request = Request();
  request.set_tenant("fabrikam.example");
  EXPECT_EQ(MustFail(request).code, grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(TokenRequests(), 1) << "explaining asks no authority";
}

TEST_F(AdminAccessTest, ThePolicyInForceIsTested) {
  StartAdmin();
  adm::TestPolicyRequest request;
  request.set_expectations_yaml(
      "expectations:\n"
      "  - {caller: \"local:tests\", registration: orders, scopes: [\"api://a/.default\"], expect: "
      "allow}\n"
      "  - {caller: \"local:other\", registration: orders, scopes: [\"api://a/.default\"], expect: "
      "allow}\n");
  const auto report = Must(&Stub::TestPolicy, request);
  EXPECT_EQ(report.asked(), 2);
  EXPECT_EQ(report.wrong(), 1);
  EXPECT_THAT(report.report(),
              AllOf(HasSubstr("WRONG  expectations[1]"), HasSubstr("no rule names this caller")));
}

TEST_F(AdminAccessTest, TheEffectiveConfigurationIsOneThatCouldBeLoadedAndHasNoSecretInIt) {
  const std::string redis_password = "canary-redis-password-77aa";
  WriteFile("redis.password", redis_password);
  setenv("TOKENSVC_TEST_CANARY", kTokenCanary, 1);
  SystemRandom random;
  std::string key_text;
  for (const KeyPurpose purpose : {KeyPurpose::kSealing, KeyPurpose::kIndex}) {
    const KeyRing ring = KeyRing::MakeRandom(purpose, random);
    const Secret line = KeyFileLine(purpose, KeyState::kPrimary, ring.primary().bytes);
    WriteFile(std::string(KeyPurposeName(purpose)), std::string(line.Reveal()));
    if (purpose == KeyPurpose::kSealing) key_text = std::string(line.Reveal()).substr(17, 43);
  }
  StartAdmin(absl::StrCat(
      "  - {name: other, authority: dev, client_id: c, tenants: [a.example], credentials: "
      "[{secret: "
      "{value: \"env:TOKENSVC_TEST_CANARY\"}}]}\n"
      "cache:\n  redis: {address: \"127.0.0.1:1\", plaintext: {}, sealing_keys_file: sealing, "
      "index_keys_file: index, password: \"file:redis.password\"}\n"));
  const auto answer = Must(&Stub::GetEffectiveConfiguration);
  EXPECT_THAT(answer.yaml(), AllOf(HasSubstr("\"env:TOKENSVC_TEST_CANARY\""),
                                   HasSubstr(absl::StrCat("\"file:", Path("secret"), "\"")),
                                   HasSubstr(absl::StrCat("\"file:", Path("redis.password"))),
                                   HasSubstr("max_waiting_calls: 20000")));
  const auto again = ParseConfig(answer.yaml());
  EXPECT_TRUE(again.ok()) << FormatConfigErrors("answer", again.error());

  const auto rings = Must(&Stub::GetKeyRings);
  ASSERT_EQ(rings.sealing().keys_size(), 1);
  ASSERT_EQ(rings.index().keys_size(), 1);
  EXPECT_EQ(rings.sealing().keys(0).state(), adm::KEY_STATE_PRIMARY);
  EXPECT_EQ(rings.sealing().keys(0).id().size(), 8u);
  EXPECT_TRUE(rings.sealing().keys(0).has_since());
  EXPECT_NE(Must(&Stub::GetCacheStatistics).shared(), adm::SHARED_CACHE_STATE_NONE);

  ASSERT_EQ(key_text.size(), 43u);
  for (const std::string& text : {answer.yaml(), rings.DebugString(), logger_.AllText()}) {
    for (const std::string& secret :
         {std::string(kSecretCanary), std::string(kTokenCanary), redis_password, key_text}) {
      EXPECT_THAT(text, Not(HasSubstr(secret)));
    }
  }
  unsetenv("TOKENSVC_TEST_CANARY");
}

TEST_F(AdminAccessTest, CacheStatisticsTellWhoseTokensThereAre) {
  StartAdmin();
  MustAcquire(Request());
  MustAcquire(Request("api://billing-api/.default"));
  auto other = Request();
  other.set_tenant("contoso.example");
  MustAcquire(other);
  const auto statistics = Must(&Stub::GetCacheStatistics);
  EXPECT_EQ(statistics.shared(), adm::SHARED_CACHE_STATE_NONE);
  EXPECT_EQ(statistics.local().entries(), 3);
  EXPECT_GT(statistics.local().bytes(), 0);
  EXPECT_EQ(statistics.local().max_bytes(), std::int64_t{256} << 20);
  EXPECT_EQ(statistics.local().tenants(), 2);
  ASSERT_EQ(statistics.local().largest_size(), 2);
  EXPECT_EQ(statistics.local().largest(0).authority(), "dev");
  EXPECT_EQ(statistics.local().largest(0).tenant(), kTenant);
  EXPECT_EQ(statistics.local().largest(0).entries(), 2);
  EXPECT_EQ(statistics.local().largest(1).tenant(), "contoso.example");
  EXPECT_EQ(Must(&Stub::GetKeyRings).has_sealing(), false) << "nothing is shared";
}

TEST_F(AdminAccessTest, WhatWasPurgedIsAskedForAgain) {
  StartAdmin();
  const auto purges = std::array<std::function<void(adm::PurgeCacheRequest&)>, 3>{
      [](adm::PurgeCacheRequest& request) { request.set_registration("orders"); },
      [](adm::PurgeCacheRequest& request) {
        request.mutable_tenant()->set_authority("dev");
        request.mutable_tenant()->set_tenant(kTenant);
      },
      [](adm::PurgeCacheRequest& request) {
        request.mutable_credential()->set_registration("orders");
        request.mutable_credential()->set_credential("orders/0");
      }};
  for (const auto& fill : purges) {
    MustAcquire(Request());
    EXPECT_EQ(MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
    EXPECT_FALSE(Purge(fill).shared());
    EXPECT_EQ(MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
  }
}

TEST_F(AdminAccessTest, ReloadPutsAGoodFileInForce) {
  StartAdmin();
  EXPECT_EQ(Must(&Stub::Reload).outcome(), adm::RELOAD_OUTCOME_UNCHANGED);
  EXPECT_TRUE(Explain("local:tests", "").allowed());
  clock_.Advance(absl::Seconds(5));
  WriteConfiguration(
      absl::StrReplaceAll(AdminConfiguration("limits: {max_waiting_calls: 7}\n"),
                          {{"callers: [\"local:tests\"]", "callers: [\"local:new\"]"}}));
  const auto reload = Must(&Stub::Reload);
  EXPECT_EQ(reload.outcome(), adm::RELOAD_OUTCOME_IN_FORCE);
  EXPECT_TRUE(reload.errors().empty());
  EXPECT_TRUE(reload.needs_restart());
  EXPECT_FALSE(Explain("local:tests", "").allowed());
  EXPECT_TRUE(Explain("local:new", "").allowed());
  EXPECT_EQ(MustFail(Request()).code, grpc::StatusCode::PERMISSION_DENIED);
  const auto answer = Must(&Stub::GetEffectiveConfiguration);
  EXPECT_TRUE(answer.needs_restart());
  EXPECT_THAT(answer.yaml(), AllOf(HasSubstr("local:new"), HasSubstr("max_waiting_calls: 20000")));
  EXPECT_EQ(answer.in_force_since().seconds(), absl::ToUnixSeconds(clock_.Now()));
}

TEST_F(AdminAccessTest, ReloadTakesRolesAwayAtOnce) {
  StartAdmin();
  WriteConfiguration(
      absl::StrReplaceAll(AdminConfiguration(), {{"  observers: [\"local:observer\"]\n", ""}}));
  EXPECT_EQ(Must(&Stub::Reload).outcome(), adm::RELOAD_OUTCOME_IN_FORCE);
  EXPECT_EQ(Looks().at("GetBuildInfo")("observer"), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(AdminAccessTest, ReloadOfABadFileSaysWhereItIsWrongAndChangesNothing) {
  StartAdmin();
  MustAcquire(Request());
  std::string bad = AdminConfiguration();
  absl::StrReplaceAll({{"contoso.example", "CANARY_1!"}, {"orders-service", "CANARY\\t2"}}, &bad);
  absl::StrReplaceAll({{"authority: dev", "authority: none"}}, &bad);
  WriteConfiguration(bad);
  const auto reload = Must(&Stub::Reload);
  EXPECT_EQ(reload.outcome(), adm::RELOAD_OUTCOME_REFUSED);
  EXPECT_GE(reload.errors_size(), 2);
  EXPECT_THAT(reload.errors(), Contains(HasSubstr("registrations[0].tenants[1]: ")));
  EXPECT_THAT(reload.DebugString(), Not(HasSubstr("CANARY")));
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("CANARY")));
  MustAcquire(Request());
  EXPECT_THAT(Must(&Stub::GetEffectiveConfiguration).yaml(), HasSubstr("contoso.example"));

  WriteConfiguration(AdminConfiguration());
  EXPECT_EQ(Must(&Stub::Reload).outcome(), adm::RELOAD_OUTCOME_UNCHANGED);
}

TEST_F(AdminAccessTest, WhoWaitsForAReloadAtTheEndIsTold) {
  StartAdmin();
  StopReading();
  WriteFile("secret", kSecretCanary);
  // Again, and nobody reads.
  auto config = LoadConfig(Path("tokensvc.yaml"));
  ASSERT_TRUE(config.ok());
  ReloadRequests requests([] {});
  auto server = Server::Start(*config, clock_, logger_, &requests);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  std::thread caller([this] {
    adm::ReloadResponse response;
    const ReadStatus status = Read(Call(&Stub::Reload, adm::ReloadRequest(), &response));
    EXPECT_EQ(status.code, grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(status.reason, "DRAINING");
  });
  // Closed before or after the call comes in: the answer is the same.
  requests.Close();
  caller.join();
  server_.reset();
}

TEST_F(AdminAccessTest, AReloadThatNobodyReadsEndsAtItsDeadline) {
  StartAdmin();
  StopReading();
  auto config = LoadConfig(Path("tokensvc.yaml"));
  ASSERT_TRUE(config.ok());
  ReloadRequests requests([] {});
  auto server = Server::Start(*config, clock_, logger_, &requests);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  adm::ReloadResponse response;
  EXPECT_EQ(Call(&Stub::Reload, adm::ReloadRequest(), &response, "administrator",
                 std::chrono::milliseconds(100))
                .error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  // The call is over inside, too: the listener's end would wait for it for ever.
  server_.reset();
}

}  // namespace
}  // namespace tokensvc::testing
