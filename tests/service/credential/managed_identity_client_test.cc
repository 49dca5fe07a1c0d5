// SPDX-License-Identifier: Apache-2.0
#include "service/credential/managed_identity_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/service/credential/credential_fixture.h"
#include "tests/testing/fake_http_transport.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::tokensvc::testing::Plain;

constexpr char kToken[] = R"({"access_token":"canary-t0ken","expires_in":"3600"})";

class ManagedIdentityClientTest : public testing::CredentialFixture {
 protected:
  ManagedIdentityClientTest() { identity_.endpoint = "http://127.0.0.1:1/token"; }

  static ManagedIdentityRetries Quick() {
    ManagedIdentityRetries retries;
    retries.first_wait = absl::Milliseconds(1);
    return retries;
  }

  Result<ManagedIdentityToken> Ask(ManagedIdentityRetries retries = Quick()) {
    ManagedIdentityClient client({transport_, clock_, workers_, logger_, identity_metrics_},
                                 retries);
    std::optional<Result<ManagedIdentityToken>> result;
    RunAwaitable(KeepResult(
        client.Ask(std::make_shared<const ManagedIdentity>(identity_), "api://a"), result));
    return *std::move(result);
  }

  void UseArc() {
    identity_.source = ManagedIdentitySource::kAzureArc;
    identity_.key_directory = directory_.string();
  }

  void PushChallenge(const std::string& path) {
    transport_.Push(401, "", {{"www-authenticate", absl::StrCat("Basic realm=", path)}});
  }

  void ExpectNoCanary(const Result<ManagedIdentityToken>& result) {
    EXPECT_THAT(logger_.AllText(), Not(HasSubstr("canary")));
    if (result.ok()) return;
    EXPECT_THAT(result.error().message, Not(HasSubstr("canary")));
  }

  ManagedIdentity identity_;
  testing::FakeHttpTransport transport_;
  ManagedIdentityMetrics identity_metrics_{registry_};
};

TEST_F(ManagedIdentityClientTest, BringsTheToken) {
  transport_.Push(200, kToken);
  const auto token = Ask();
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->expires_in, absl::Hours(1));
  EXPECT_EQ(token->requested_at, clock_.Boot());
  EXPECT_EQ(identity_metrics_.token.Value(), 1);
  EXPECT_EQ(logger_.Count("managed_identity_request"), 1u);
  ExpectNoCanary(token);
}

TEST_F(ManagedIdentityClientTest, AsksAgainForWhatPasses) {
  for (const int status : {404, 408, 410, 429, 500, 503}) {
    transport_.Push(status, "canary");
    transport_.Push(absl::UnavailableError("canary"));
    transport_.Push(200, kToken);
    const auto token = Ask();
    EXPECT_TRUE(token.ok()) << status;
    ExpectNoCanary(token);
  }
  EXPECT_EQ(identity_metrics_.token.Value(), 6);
  EXPECT_EQ(identity_metrics_.retries.Value(), 12);
}

TEST_F(ManagedIdentityClientTest, StopsAfterThreeTimes) {
  for (int i = 0; i < 9; ++i) transport_.Push(503, "canary");
  const auto token = Ask();
  EXPECT_EQ(token.error().reason, Reason::kAuthorityUnavailable);
  EXPECT_THAT(transport_.requests(), SizeIs(3));
  EXPECT_EQ(identity_metrics_.unavailable.Value(), 1);
}

TEST_F(ManagedIdentityClientTest, DoesNotAskAgainForWhatDoesNotPass) {
  for (int i = 0; i < 9; ++i) {
    transport_.Push(400, R"({"error":"invalid_request","error_description":"Identity not found"})");
  }
  EXPECT_EQ(Ask().error().reason, Reason::kRegistrationMisconfigured);
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  EXPECT_THAT(logger_.AllText(), HasSubstr("the identity is not assigned"));
  EXPECT_EQ(identity_metrics_.refused.Value(), 1);
}

TEST_F(ManagedIdentityClientTest, DoesNotAskAgainAfterAnAnswerThatMakesNoSense) {
  transport_.Push(200, "canary");
  transport_.Push(absl::OutOfRangeError("canary"));
  const auto garbage = Ask();
  EXPECT_EQ(garbage.error().reason, Reason::kAuthorityResponseInvalid);
  ExpectNoCanary(garbage);
  const auto huge = Ask();
  EXPECT_EQ(huge.error().reason, Reason::kAuthorityResponseInvalid);
  ExpectNoCanary(huge);
  EXPECT_THAT(transport_.requests(), SizeIs(2));
  EXPECT_EQ(identity_metrics_.invalid.Value(), 2);
}

TEST_F(ManagedIdentityClientTest, GoesNoFurtherThanItsBudget) {
  ManagedIdentityRetries retries = Quick();
  retries.budget = absl::Seconds(15);
  transport_.Push(429, "", {{"retry-after", "60"}});
  const auto token = Ask(retries);
  EXPECT_EQ(token.error().reason, Reason::kThrottled);
  EXPECT_EQ(token.error().retry_after, absl::Minutes(1));
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  EXPECT_LE(transport_.requests().front().timeout, retries.attempt_timeout);

  retries.budget = absl::Milliseconds(100);
  transport_.Push(200, kToken);
  EXPECT_TRUE(Ask(retries).ok());
  EXPECT_LE(transport_.requests().back().timeout, absl::Milliseconds(100));
}

TEST_F(ManagedIdentityClientTest, SendsAppServiceTheHeaderThatItsFileHolds) {
  identity_.source = ManagedIdentitySource::kAppService;
  auto header = ReloadingSecret::FromFile("crm/0", Write("header", "canary-1\n"), environment_);
  ASSERT_TRUE(header.ok());
  identity_.identity_header = *header;
  transport_.SetHandler([](const HttpRequest&) { return testing::MakeResponse(200, kToken); });
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(Plain(transport_.requests().back().headers)["X-IDENTITY-HEADER"], "canary-1");
  Write("header", "canary-2\n");
  PassInterval();
  const auto token = Ask();
  EXPECT_EQ(Plain(transport_.requests().back().headers)["X-IDENTITY-HEADER"], "canary-2");
  ExpectNoCanary(token);
}

TEST_F(ManagedIdentityClientTest, FollowsAzureArcsChallenge) {
  UseArc();
  PushChallenge(Write("1.key", "canary-key"));
  transport_.Push(200, kToken);
  const auto token = Ask();
  ASSERT_TRUE(token.ok()) << token.error().message;
  ASSERT_THAT(transport_.requests(), SizeIs(2));
  EXPECT_EQ(Plain(transport_.requests()[0].headers).count("Authorization"), 0u);
  EXPECT_EQ(Plain(transport_.requests()[1].headers)["Authorization"], "Basic canary-key");
  ExpectNoCanary(token);
}

TEST_F(ManagedIdentityClientTest, SendsNoFileThatIsNoneOfTheAgentsKeys) {
  UseArc();
  Write("secret", "canary-secret");
  Write("large.key", std::string(5000, 'a'));
  std::filesystem::create_symlink(Path("secret"), Path("link.key"));
  for (const std::string& path : {std::string("/etc/passwd"), Path("secret"), Path("link.key"),
                                  Path("large.key"), Path("none.key"), Path("../canary.key")}) {
    PushChallenge(path);
    const auto token = Ask();
    ASSERT_FALSE(token.ok());
    EXPECT_EQ(token.error().reason, Reason::kRegistrationMisconfigured) << path;
    ExpectNoCanary(token);
  }
  for (const HttpRequest& request : transport_.requests()) {
    EXPECT_EQ(Plain(request.headers).count("Authorization"), 0u);
  }
}

TEST_F(ManagedIdentityClientTest, DistrustsAnAgentThatDoesNotChallenge) {
  UseArc();
  transport_.Push(200, kToken);
  EXPECT_EQ(Ask().error().reason, Reason::kRegistrationMisconfigured);
  transport_.Push(401, "");
  EXPECT_EQ(Ask().error().reason, Reason::kRegistrationMisconfigured);
  for (int i = 0; i < 3; ++i) transport_.Push(500, "");
  EXPECT_EQ(Ask().error().reason, Reason::kAuthorityUnavailable);
}

}  // namespace
}  // namespace tokensvc
