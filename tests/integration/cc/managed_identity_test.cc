// SPDX-License-Identifier: Apache-2.0
// Managed identities as client credentials: the platform hands out assertions, and the authority
// takes them for the client.
#include <stdlib.h>

#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "service/config/load_config.h"
#include "tests/integration/cc/managed_identity_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;

using ManagedIdentityTest = ManagedIdentityFixture;

TEST_F(ManagedIdentityTest, OfAVirtualMachineGetsTokensAndIsAskedForOnce) {
  StartBoth(Shape::kImds);
  MustAcquire(Request());
  EXPECT_EQ(authority_->last_form().at("client_assertion"), platform_->last_token());
  EXPECT_EQ(authority_->last_form().count("client_secret"), 0u);
  MustAcquire(Forced());
  auto other = Request();
  other.set_registration("billing");
  MustAcquire(other);
  EXPECT_EQ(TokenRequests(), 3);
  EXPECT_EQ(platform_->requests(), 1);
  EXPECT_EQ(platform_->malformed(), 0);
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, HasSubstr("tokensvc_managed_identity_requests_total{result=\"token\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("tokensvc_credential_assertion_seconds_to_expiry{credential="
                                 "\"orders/0\"} 86400"));
  ExpectNothingShown();
}

TEST_F(ManagedIdentityTest, CanBeAUserAssignedOneByAnyOfItsNames) {
  StartPlatform(Shape::kImds);
  for (const auto& [key, parameter] :
       {std::pair<std::string, std::string>(absl::StrCat("client_id: ", kClientId), "&client_id="),
        {absl::StrCat("object_id: ", kObjectId), "&object_id="},
        {absl::StrCat("resource_id: ", kResourceId), "&msi_res_id="}}) {
    StartService(ConfigurationWith(Identity(key)));
    MustAcquire(Request());
    EXPECT_THAT(platform_->last_query(), HasSubstr(parameter));
  }
  EXPECT_EQ(platform_->malformed(), 0);
}

TEST_F(ManagedIdentityTest, OfAnAppServiceGetsTokens) {
  platform_options_.date_in_words = true;
  StartBoth(Shape::kAppService, absl::StrCat("resource_id: ", kResourceId));
  MustAcquire(Request());
  EXPECT_THAT(platform_->last_query(), HasSubstr("mi_res_id="));
  EXPECT_EQ(platform_->malformed(), 0);
  ExpectNothingShown();
}

TEST_F(ManagedIdentityTest, OfAnAppServiceIsFoundByItsVariables) {
  StartPlatform(Shape::kAppService);
  ASSERT_EQ(setenv("IDENTITY_ENDPOINT", platform_->url().c_str(), 1), 0);
  ASSERT_EQ(setenv("IDENTITY_HEADER", kHeader, 1), 0);
  StartService(ConfigurationWith("{managed_identity: {source: APP_SERVICE}}"));
  unsetenv("IDENTITY_ENDPOINT");
  unsetenv("IDENTITY_HEADER");
  MustAcquire(Request());
  EXPECT_EQ(platform_->tokens(), 1);
  ExpectNothingShown();
}

TEST_F(ManagedIdentityTest, OfAServerWithAzureArcGetsTokens) {
  StartBoth(Shape::kAzureArc);
  MustAcquire(Request());
  EXPECT_EQ(platform_->requests(), 2);
  EXPECT_EQ(platform_->malformed(), 0);
  ExpectNothingShown();
}

TEST_F(ManagedIdentityTest, IsRefreshedBeforeItEnds) {
  StartBoth(Shape::kImds);
  MustAcquire(Request());
  const std::string first = platform_->last_token();
  clock_.Advance(absl::Hours(14));
  MustAcquire(Request());
  // Behind that answer, so that a later call has the new one.
  while (platform_->tokens() < 2) std::this_thread::yield();
  while (authority_->last_form().at("client_assertion") == first) MustAcquire(Forced());
  EXPECT_EQ(platform_->tokens(), 2);
}

TEST_F(ManagedIdentityTest, IsAskedForOnceByTheCallsOfAllLoops) {
  StartBoth(Shape::kImds, "", 2);
  devauth::Fault slow;
  slow.latency = absl::Milliseconds(300);
  platform_->AddFault(slow);
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([this, i] {
      v1::AcquireForClientResponse response;
      EXPECT_TRUE(Acquire(Request(absl::StrCat("api://api-", i, "/.default")), &response).ok());
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(TokenRequests(), 8);
  EXPECT_EQ(platform_->requests(), 1);
}

TEST_F(ManagedIdentityTest, SurvivesAReloadWithoutARequest) {
  StartBoth(Shape::kImds);
  MustAcquire(Request());
  auto config = ParseConfig(ConfigurationWith(Identity()) + "limits: {max_waiting_calls: 77}\n");
  ASSERT_TRUE(config.ok());
  ASSERT_TRUE(server_->Reload(*config).ok());
  MustAcquire(Forced());
  EXPECT_EQ(platform_->requests(), 1);
}

TEST_F(ManagedIdentityTest, ThatIsNotAssignedIsTheOperatorsMatter) {
  StartBoth(Shape::kImds, "object_id: 44444444-4444-4444-4444-444444444444");
  ExpectMisconfigured("the identity is not assigned to this machine or app");
  EXPECT_EQ(platform_->requests(), 1);
}

TEST_F(ManagedIdentityTest, ThatTheAuthorityDoesNotTrustIsACredentialThatIsRefused) {
  StartBoth(Shape::kImds, "audience: \"api://another\"");
  const ReadStatus status = MustFail(Request());
  EXPECT_EQ(status.reason, "REGISTRATION_MISCONFIGURED");
  EXPECT_EQ(logger_.Count("credential_refused"), 1u);
  ExpectNothingShown(status);
}

TEST_F(ManagedIdentityTest, IsAskedForAgainWhereThePlatformIsAwayForAMoment) {
  StartBoth(Shape::kImds);
  devauth::Fault away;
  away.status = 410;
  away.body = kTokenCanary;
  away.count = 1;
  platform_->AddFault(away);
  MustAcquire(Request());
  EXPECT_EQ(platform_->requests(), 2);
  ExpectNothingShown();
}

TEST_F(ManagedIdentityTest, ThatIsOutOfReachMakesWayForTheNextCredential) {
  StartPlatform(Shape::kImds);
  StartService(ConfigurationWith(absl::StrCat(
      Identity(), ", {secret: {value: \"file:", WriteFile("secret", kSecretCanary), "\"}}")));
  devauth::Fault throttled;
  throttled.status = 429;
  throttled.headers["Retry-After"] = "30";
  throttled.count = 1;
  platform_->AddFault(throttled);
  MustAcquire(Request());
  EXPECT_EQ(authority_->last_form().at("client_secret"), kSecretCanary);
  // Nothing is held against the first: it is used as soon as it is there.
  EXPECT_EQ(logger_.Count("credential_refused"), 0u);
  clock_.Advance(absl::Seconds(31));
  MustAcquire(Forced());
  EXPECT_EQ(authority_->last_form().at("client_assertion"), platform_->last_token());
  ExpectNothingShown();
}

TEST_F(ManagedIdentityTest, OfAPlatformThatTalksNonsenseIsUnavailable) {
  for (const auto& [body, bytes] :
       {std::pair<std::string, std::size_t>(kTokenCanary, 0),
        {"", std::size_t{4} << 20},
        {R"({"access_token":7,"expires_in":3600})", 0},
        {R"({"access_token":"canary-acce55-t0ken-91d3"})", 0},
        {R"({"access_token":"canary-acce55-t0ken-91d3","expires_in":9})", 0}}) {
    StartBoth(Shape::kImds);
    devauth::Fault nonsense;
    nonsense.body = body;
    if (bytes > 0) nonsense.body_bytes = bytes;
    platform_->AddFault(nonsense);
    ExpectUnavailable();
    EXPECT_EQ(platform_->requests(), 1);
  }
}

TEST_F(ManagedIdentityTest, ThatHasExpiredIsNotPresented) {
  platform_options_.lifetime = -absl::Hours(1);
  StartBoth(Shape::kImds);
  devauth::Fault lie;
  lie.response_patch = {{"expires_in", "86400"}};
  platform_->AddFault(lie);
  ExpectUnavailable();
}

TEST_F(ManagedIdentityTest, OfAPlatformThatHangsKeepsTheCallersDeadline) {
  StartBoth(Shape::kImds);
  devauth::Fault hang;
  hang.hang = true;
  platform_->AddFault(hang);
  const ReadStatus status = MustFail(Request(), absl::Milliseconds(300));
  EXPECT_EQ(status.code, grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(TokenRequests(), 0);
  // And the service ends although the request is under way.
  server_.reset();
}

TEST_F(ManagedIdentityTest, NoRedirectIsFollowed) {
  StartBoth(Shape::kImds);
  devauth::Fault redirect;
  redirect.status = 307;
  redirect.headers["Location"] = platform_->url() + "?api-version=2018-02-01&resource=a";
  platform_->AddFault(redirect);
  ExpectUnavailable();
  EXPECT_EQ(platform_->requests(), 1);
}

TEST_F(ManagedIdentityTest, SendsAzureArcNoFileButTheAgentsKeys) {
  WriteFile("secret", kSecretCanary);
  std::filesystem::create_symlink(Path("secret"), Path("keys/link.key"));
  WriteFile("keys/large.key", std::string(5000, 'a'));
  for (const std::string& realm :
       {std::string("/etc/passwd"), Path("secret"), Path("keys/../secret.key"),
        Path("keys/link.key"), Path("keys/large.key"), std::string("")}) {
    StartBoth(Shape::kAzureArc);
    devauth::Fault hostile;
    hostile.status = 401;
    hostile.headers["WWW-Authenticate"] = absl::StrCat("Basic realm=", realm);
    platform_->AddFault(hostile);
    ExpectMisconfigured("AZURE_ARC");
    EXPECT_EQ(platform_->requests(), 1) << realm;
  }
}

}  // namespace
}  // namespace tokensvc::testing
