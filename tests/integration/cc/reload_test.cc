// SPDX-License-Identifier: Apache-2.0
// What a reload of the configuration changes, and what it leaves alone.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "service/config/load_config.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

class ReloadTest : public ServiceFixture {
 protected:
  void Reload(const std::string& configuration) {
    auto config = ParseConfig(configuration);
    ASSERT_TRUE(config.ok()) << FormatConfigErrors("test.yaml", config.error());
    ASSERT_TRUE(server_->Reload(*config).ok());
  }

  /// The configuration in force, with the registration `billing` added.
  std::string Changed() const {
    return Configuration() +
           absl::StrCat(
               "  - {name: billing, authority: dev, client_id: orders-service, tenants: [\"",
               kTenant, "\"], default_tenant: \"", kTenant,
               "\", credentials: [{secret: {value: \"file:", Path("secret"), "\"}}]}\n");
  }
};

TEST_F(ReloadTest, PutsNewRegistrationsInForceAndKeepsCachedTokens) {
  Start();
  MustAcquire(Request());
  auto request = Request();
  request.set_registration("billing");
  EXPECT_EQ(MustFail(request).code, grpc::StatusCode::PERMISSION_DENIED);
  Reload(Changed());
  EXPECT_EQ(logger_.Count("configuration_reloaded"), 1u);
  EXPECT_EQ(MustAcquire(request).source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
}

TEST_F(ReloadTest, DoesNothingWhereNothingChanged) {
  Start();
  Reload(Configuration());
  EXPECT_EQ(logger_.Count("configuration_unchanged"), 1u);
  EXPECT_EQ(logger_.Count("configuration_reloaded"), 0u);
  Reload(Changed());
  Reload(Changed());
  EXPECT_EQ(logger_.Count("configuration_unchanged"), 2u);
  EXPECT_EQ(logger_.Count("configuration_reloaded"), 1u);
}

TEST_F(ReloadTest, SaysUntilItIsUndoneThatAChangeWaitsForARestart) {
  Start();
  const std::string limits = "limits: {max_waiting_calls: 7}\n";
  for (const std::string& configuration :
       {Configuration() + limits, Changed() + limits, Changed(), Configuration()}) {
    Reload(configuration);
  }
  std::vector<std::string> needs_restart;
  for (const CapturingLogger::Line& line : logger_.lines()) {
    if (line.event == "configuration_reloaded") {
      needs_restart.push_back(line.fields.at("needs_restart"));
    }
  }
  EXPECT_THAT(needs_restart, ::testing::ElementsAre("true", "true", "false", "false"));
}

TEST_F(ReloadTest, KeepsToTheTimeThatAThrottlingAuthorityNamed) {
  Start();
  DevAuthority::Fault throttled;
  throttled.status = 429;
  throttled.headers["Retry-After"] = "30";
  throttled.count = 1;
  authority_->AddFault(throttled);
  EXPECT_EQ(MustFail(Request()).reason, "THROTTLED");
  for (const std::string& configuration : {Configuration(), Changed()}) {
    Reload(configuration);
    EXPECT_EQ(MustFail(Request()).reason, "THROTTLED");
  }
  EXPECT_EQ(TokenRequests(), 1);
}

TEST_F(ReloadTest, AsksAgainWhatWasRefusedBefore) {
  Start();
  DevAuthority::Fault refused;
  refused.error = "invalid_client";
  refused.error_code = 7000215;
  refused.count = 1;
  authority_->AddFault(refused);
  EXPECT_EQ(MustFail(Request()).reason, "REGISTRATION_MISCONFIGURED");
  EXPECT_EQ(MustFail(Request()).reason, "REGISTRATION_MISCONFIGURED") << "it is remembered";
  Reload(Changed());
  MustAcquire(Request());
}

}  // namespace
}  // namespace tokensvc::testing
