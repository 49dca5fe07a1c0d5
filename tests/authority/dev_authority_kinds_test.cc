// SPDX-License-Identifier: Apache-2.0
// What is not plain Entra or OIDC: AD FS, B2C, and assertions that another issuer signed.
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "tests/authority/authority_test_fixture.h"
#include "tests/authority/jwt.h"
#include "tests/authority/test_certificates.h"

namespace tokensvc {
namespace {

constexpr char kJwtBearer[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

class KindsTest : public AuthorityTest {};

TEST_F(KindsTest, AdFsTakesAResourceAsAParameterOrInFrontOfAScope) {
  DevAuthority::Options options;
  options.resources = {"https://api.example"};
  Start(options);
  Params params = GoodParams();
  params["scope"] = "openid";
  params["resource"] = "https://api.example";
  EXPECT_EQ(ClaimsOf(Post("/adfs/oauth2/token", params).token())["aud"], "https://api.example");
  params.erase("resource");
  EXPECT_EQ(ClaimsOf(Post("/adfs/oauth2/token", params).token())["aud"], "urn:microsoft:userinfo");
  params["scope"] = "https://api.example/openid profile";
  const Answer answer = Post("/adfs/oauth2/token", params);
  EXPECT_EQ(ClaimsOf(answer.token())["aud"], "https://api.example");
  EXPECT_FALSE(answer.json.contains("scope"));
  params["scope"] = "https://other.example/openid";
  EXPECT_EQ(Post("/adfs/oauth2/token", params).error(), "invalid_resource");
}

TEST_F(KindsTest, B2cHasATenantAPolicyAndPlainRefusals) {
  Start();
  const std::string path = absl::StrCat("/", kTenant, "/B2C_1_a/oauth2/v2.0/token");
  const Answer answer = Post(path, GoodParams());
  EXPECT_TRUE(absl::StrContains(ClaimsOf(answer.token())["iss"].get<std::string>(), "/B2C_1_a/"));
  Params params = GoodParams();
  params["client_secret"] = "wrong";
  const Answer refused = Post(path, params);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.error(), "invalid_client");
  EXPECT_EQ(refused.aadsts(), 0);
  params = GoodParams();
  params["scope"] = "openid";
  EXPECT_EQ(Post(path, params).error(), "invalid_scope");
}

class FederatedTest : public AuthorityTest {
 protected:
  void SetUp() override {
    auto certificates = TestCertificates::Create(directory_);
    ASSERT_TRUE(certificates.ok());
    const auto files = (*certificates)->IssueClient("issuer");
    ASSERT_TRUE(files.ok());
    key_ = *devauth::SigningKey::FromPem(ReadWholeFile(files->private_key));
    DevAuthority::Client client = DefaultClient();
    client.federated.push_back({"https://cluster.example", "workload", "api://AzureADTokenExchange",
                                ReadWholeFile(files->certificate)});
    DevAuthority::Options options;
    options.clients.push_back(std::move(client));
    Start(std::move(options));
  }

  static Json GoodClaims() {
    return {{"iss", "https://cluster.example"},
            {"sub", "workload"},
            {"aud", {"api://AzureADTokenExchange"}},
            {"exp", absl::ToUnixSeconds(absl::Now()) + 3600}};
  }

  Answer Present(const std::string& assertion) {
    return Post(TokenPath(), {{"grant_type", "client_credentials"},
                              {"client_id", kClientId},
                              {"client_assertion_type", kJwtBearer},
                              {"client_assertion", assertion},
                              {"scope", "https://api.example/.default"}});
  }

  Answer PresentWith(const Json& changes) {
    Json claims = GoodClaims();
    claims.merge_patch(changes);
    return Present(devauth::SignJwt(*key_, claims));
  }

  std::optional<devauth::SigningKey> key_;
};

TEST_F(FederatedTest, TakesTheIssuersAssertionAnyNumberOfTimes) {
  const std::string assertion = devauth::SignJwt(*key_, GoodClaims());
  EXPECT_EQ(Present(assertion).status, 200);
  EXPECT_EQ(Present(assertion).status, 200);
}

TEST_F(FederatedTest, RefusesEachThingThatDoesNotFit) {
  EXPECT_EQ(PresentWith({{"sub", "other"}}).aadsts(), 70021);
  EXPECT_EQ(PresentWith({{"iss", "https://cluster.example/"}}).aadsts(), 70021);
  EXPECT_EQ(PresentWith({{"aud", "api://other"}}).aadsts(), 700212);
  EXPECT_EQ(PresentWith({{"exp", absl::ToUnixSeconds(absl::Now()) - 3600}}).aadsts(), 700024);
  EXPECT_EQ(PresentWith({{"exp", nullptr}}).aadsts(), 50027);
  const auto stranger = devauth::SigningKey::FromPem(SharedSigningKey());
  EXPECT_EQ(Present(devauth::SignJwt(*stranger, GoodClaims())).aadsts(), 700027);
}

}  // namespace
}  // namespace tokensvc
