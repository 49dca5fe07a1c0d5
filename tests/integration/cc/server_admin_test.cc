// SPDX-License-Identifier: Apache-2.0
// What the AdminService takes as a question or an order, and what it hands on.
#include "service/server_admin.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "service/config/load_config.h"
#include "service/make_policy.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc::testing {
namespace {

namespace adm = admin::v1;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// Keeps what it is told, and answers what the test put there.
class FakePurger final : public Purger {
 public:
  void Purge(const PurgeTarget& target, BootTime deadline, Done done) override {
    targets.push_back(target);
    deadlines.push_back(deadline);
    done(answer);
  }
  std::vector<PurgeTarget> targets;
  std::vector<BootTime> deadlines;
  Result<PurgeReport> answer = PurgeReport{true};
};

class ServerAdminTest : public ::testing::Test {
 protected:
  ServerAdminTest() {
    const ConfigResult config = ParseConfig(R"(
listeners: [{name: local, address: "127.0.0.1:0", plaintext: {}, identity: tests}]
authorities:
  - {name: entra, entra: {}}
  - {name: corp, oidc: {issuer: "https://id.example"}}
registrations:
  - name: orders
    authority: entra
    client_id: a
    tenants: ["*"]
    credentials: [{secret: {value: "env:A"}}, {secret: {value: "env:B"}}]
  - {name: billing, authority: corp, client_id: b, credentials: [{secret: {value: "env:B"}}]}
policy:
  rules:
    - {name: all, callers: ["local:a"], registrations: ["*"], tenants: ["*"], grants: ["*"], scopes: ["*"]}
)");
    EXPECT_TRUE(config.ok()) << FormatConfigErrors("test.yaml", config.error());
    admin_.SetConfig(*config, *config, *MakePolicy(*config));
  }

  /// What came of a purge, and the fields that were wrong.
  std::vector<std::string> Purge(const adm::PurgeCacheRequest& request) {
    std::vector<std::string> wrong;
    admin_.PurgeCache(request, clock_.Boot() + std::chrono::seconds(3),
                      [&](Result<adm::PurgeCacheResponse> answer) {
                        if (answer.ok()) return;
                        EXPECT_EQ(answer.error().code, absl::StatusCode::kInvalidArgument);
                        for (const FieldViolation& each : answer.error().violations) {
                          EXPECT_THAT(each.description, Not(HasSubstr("CANARY")));
                          wrong.push_back(each.field);
                        }
                      });
    return wrong;
  }
  std::vector<std::string> PurgeRegistration(const std::string& name) {
    adm::PurgeCacheRequest request;
    request.set_registration(name);
    return Purge(request);
  }
  std::vector<std::string> PurgeTenant(const std::string& authority, const std::string& tenant) {
    adm::PurgeCacheRequest request;
    request.mutable_tenant()->set_authority(authority);
    request.mutable_tenant()->set_tenant(tenant);
    return Purge(request);
  }
  std::vector<std::string> PurgeCredential(const std::string& registration,
                                           const std::string& credential) {
    adm::PurgeCacheRequest request;
    request.mutable_credential()->set_registration(registration);
    request.mutable_credential()->set_credential(credential);
    return Purge(request);
  }

  template <class T>
  static std::vector<std::string> WrongFields(const Result<T>& answer) {
    std::vector<std::string> fields;
    if (answer.ok()) return fields;
    EXPECT_EQ(answer.error().code, absl::StatusCode::kInvalidArgument);
    for (const FieldViolation& each : answer.error().violations) fields.push_back(each.field);
    return fields;
  }

  FakeClock clock_;
  LocalCache cache_{LocalCache::Options()};
  FailureMemory failures_;
  FakePurger purger_;
  AdminExecutor executor_;
  ServerAdmin admin_{{clock_, cache_, failures_, purger_, executor_,
                      [] { return std::optional<ServerAdmin::SharedView>(); }}};
};

TEST_F(ServerAdminTest, APurgeGoesOnWithItsTargetInCanonicalForm) {
  EXPECT_THAT(PurgeRegistration("billing"), IsEmpty());
  EXPECT_THAT(PurgeTenant("entra", "Contoso.COM"), IsEmpty());
  EXPECT_THAT(PurgeCredential("orders", "orders/1"), IsEmpty());
  ASSERT_EQ(purger_.targets.size(), 3u);
  EXPECT_EQ(purger_.targets[0].kind, PurgeTarget::Kind::kRegistration);
  EXPECT_EQ(purger_.targets[0].registration, "billing");
  EXPECT_EQ(purger_.targets[1].kind, PurgeTarget::Kind::kTenant);
  EXPECT_EQ(purger_.targets[1].authority, "entra");
  EXPECT_EQ(purger_.targets[1].tenant, "contoso.com");
  EXPECT_EQ(purger_.targets[2].kind, PurgeTarget::Kind::kCredential);
  EXPECT_EQ(purger_.targets[2].registration, "orders");
  EXPECT_EQ(purger_.targets[2].credential, "orders/1");
  EXPECT_THAT(purger_.deadlines, Each(clock_.Boot() + std::chrono::seconds(3)));
}

TEST_F(ServerAdminTest, APurgeOfWhatThereIsNotIsRefusedAndNothingIsPurged) {
  EXPECT_THAT(Purge({}), ElementsAre("target"));
  EXPECT_THAT(PurgeRegistration("CANARY"), ElementsAre("registration"));
  EXPECT_THAT(PurgeRegistration(""), ElementsAre("registration"));
  EXPECT_THAT(PurgeTenant("CANARY", "contoso.com"), ElementsAre("tenant.authority"));
  EXPECT_THAT(PurgeTenant("corp", "contoso.com"), ElementsAre("tenant.authority"));
  for (const char* tenant : {"", "common", "CANARY", "a b.example", "*"}) {
    EXPECT_THAT(PurgeTenant("entra", tenant), ElementsAre("tenant.tenant")) << tenant;
  }
  EXPECT_THAT(PurgeCredential("CANARY", "CANARY/0"), ElementsAre("credential.registration"));
  for (const char* id : {"", "0", "orders", "orders/", "orders/2", "orders/-1", "orders/+1",
                         "orders/01", "orders/ 1", "billing/0", "orders/1CANARY"}) {
    EXPECT_THAT(PurgeCredential("orders", id), ElementsAre("credential.credential")) << id;
  }
  EXPECT_THAT(purger_.targets, IsEmpty());
}

TEST_F(ServerAdminTest, APurgeThatTheSharedCacheDidNotTakeIsTheCallersToRepeat) {
  purger_.answer = AuthorityUnavailable("the shared cache can't be reached", absl::Seconds(1));
  adm::PurgeCacheRequest request;
  request.set_registration("orders");
  int answers = 0;
  admin_.PurgeCache(request, clock_.Boot(), [&](Result<adm::PurgeCacheResponse> answer) {
    ++answers;
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, absl::StatusCode::kUnavailable);
  });
  EXPECT_EQ(answers, 1);
}

TEST_F(ServerAdminTest, QuestionsThatMakeNoSenseNameTheirFields) {
  EXPECT_THAT(WrongFields(admin_.ExplainAccess({})),
              ElementsAre("caller", "registration", "scopes"));
  adm::ExplainAccessRequest request;
  request.set_caller("local:*");
  request.set_registration("orders");
  request.set_tenant("not a tenant");
  request.set_grant("theft");
  request.add_scopes("one two");
  EXPECT_THAT(WrongFields(admin_.ExplainAccess(request)),
              ElementsAre("caller", "grant", "tenant", "scopes[0]"));
  request.set_caller(std::string(3000, 'c'));
  EXPECT_THAT(WrongFields(admin_.ExplainAccess(request)), ElementsAre("caller"));
  request.set_caller("local:a");
  for (int i = 0; i < 40; ++i) request.add_scopes("s");
  EXPECT_THAT(WrongFields(admin_.ExplainAccess(request)), ElementsAre("scopes"));

  adm::GetEffectiveConfigurationRequest config;
  config.set_section("CANARY");
  EXPECT_THAT(WrongFields(admin_.GetEffectiveConfiguration(config)), ElementsAre("section"));
  adm::GetCacheStatisticsRequest statistics;
  for (const int top : {-1, 101}) {
    statistics.set_top(top);
    EXPECT_THAT(WrongFields(admin_.GetCacheStatistics(statistics)), ElementsAre("top"));
  }
}

TEST_F(ServerAdminTest, ExplainKnowsDefaultsAndUnknownRegistrations) {
  adm::ExplainAccessRequest request;
  request.set_caller("local:a");
  request.set_registration("billing");
  request.add_scopes("read");
  auto answer = admin_.ExplainAccess(request);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->allowed()) << answer->because();
  request.set_registration("nothing");
  answer = admin_.ExplainAccess(request);
  ASSERT_TRUE(answer.ok());
  EXPECT_FALSE(answer->allowed());
  EXPECT_EQ(answer->because(), "there is no such registration");
}

TEST_F(ServerAdminTest, ATableOfExpectationsThatIsWrongSaysWhere) {
  adm::TestPolicyRequest request;
  EXPECT_THAT(WrongFields(admin_.TestPolicy(request)), ElementsAre("expectations_yaml"));
  request.set_expectations_yaml(std::string(300'000, ' '));
  EXPECT_THAT(WrongFields(admin_.TestPolicy(request)), ElementsAre("expectations_yaml"));
  request.set_expectations_yaml(
      "expectations:\n  - {caller: CANARY, registration: orders, scopes: [s], expect: allow}\n");
  const auto answer = admin_.TestPolicy(request);
  ASSERT_FALSE(answer.ok());
  ASSERT_THAT(answer.error().violations, SizeIs(1));
  EXPECT_THAT(answer.error().violations[0].description,
              AllOf(HasSubstr("line 2, column "), HasSubstr("expectations[0].caller"),
                    Not(HasSubstr("CANARY"))));
}

TEST_F(ServerAdminTest, ALongReportIsCutAfterAWholeLine) {
  // Each asks for a lot of scopes, and none gets what it expects.
  std::string yaml = "expectations:\n";
  const std::string scopes = std::string(90, 's');
  for (int i = 0; i < 1'000; ++i) {
    absl::StrAppend(&yaml,
                    "- {caller: \"local:b\", registration: orders, tenant: a.example, scopes: "
                    "[",
                    scopes, "], expect: allow}\n");
  }
  adm::TestPolicyRequest request;
  request.set_expectations_yaml(yaml);
  const auto answer = admin_.TestPolicy(request);
  ASSERT_TRUE(answer.ok()) << answer.error().message << yaml.size();
  EXPECT_EQ(answer->asked(), 1'000);
  EXPECT_EQ(answer->wrong(), 1'000);
  EXPECT_LE(answer->report().size(), std::size_t{512} << 10);
  EXPECT_EQ(answer->report().back(), '\n');
}

TEST_F(ServerAdminTest, AProcessWithoutAFileReloadsNothing) {
  int answers = 0;
  admin_.Reload({}, clock_.Boot(), [&](Result<adm::ReloadResponse> answer) {
    ++answers;
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, absl::StatusCode::kFailedPrecondition);
  });
  EXPECT_EQ(answers, 1);
}

}  // namespace
}  // namespace tokensvc::testing
