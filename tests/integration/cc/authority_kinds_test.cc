// SPDX-License-Identifier: Apache-2.0
// AD FS, B2C and External ID: each has its path, its scopes and its refusals.
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/authority/jwt.h"
#include "tests/authority/test_certificates.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AuthorityKindsTest : public ServiceFixture {
 protected:
  /// Starts with the authority `kind` (`$` stands for the base URL) and one credential.
  void StartKind(const std::string& kind, const std::string& credential,
                 DevAuthority::Options options = {}) {
    WriteFile("secret", kSecretCanary);
    options.now = [this] { return clock_.Now(); };
    DevAuthority::Client client{"orders-service", {kSecretCanary}, {}, {"Orders.Read"}};
    if (!certificate_.empty()) client.certificates_pem.push_back(certificate_);
    options.clients.push_back(std::move(client));
    StartAuthority(std::move(options));
    std::string written = kind;
    written.replace(written.find('$'), 1, authority_->base_url());
    StartService(absl::StrCat(
        "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests}]\n"
        "policy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], "
        "grants: [\"*\"], "
        "scopes: [\"*\"]}]}\n"

        "metrics: {address: \"127.0.0.1:0\"}\n"
        "authorities: [{name: dev, ",
        written,
        "}]\nregistrations:\n"
        "  - {name: orders, authority: dev, client_id: orders-service, credentials: [",
        credential, "]}\n"));
  }

  std::string SecretCredential() const {
    return absl::StrCat("{secret: {value: \"file:", Path("secret"), "\"}}");
  }

  std::string CertificateCredential() {
    auto certificates = TestCertificates::Create(dir_);
    auto files = (*certificates)->IssueClient("client");
    std::ifstream in(files->certificate);
    certificate_ = std::string(std::istreambuf_iterator<char>(in), {});
    return absl::StrCat("{certificate: {certificate_file: \"", files->certificate,
                        "\", private_key_file: \"", files->private_key, "\"}}");
  }

  devauth::Json AssertionHeader() const {
    const auto jwt = devauth::ParseJwt(authority_->last_form().at("client_assertion"));
    return jwt.has_value() ? jwt->header : devauth::Json();
  }

  /// What the access token says.
  static devauth::Json Claims(const v1::AcquireForClientResponse& response) {
    const auto jwt = devauth::ParseJwt(response.access_token().value());
    return jwt.has_value() ? jwt->claims : devauth::Json();
  }

  std::string certificate_;
};

TEST_F(AuthorityKindsTest, AdFsGetsRs256WithX5tAndAResource) {
  const std::string credential = CertificateCredential();
  StartKind("adfs: {base_url: \"$\"}", credential);
  auto request = Request("openid");
  request.set_resource("https://api.contoso.com/orders");
  const auto response = MustAcquire(request);
  EXPECT_EQ(AssertionHeader().at("alg"), "RS256");
  EXPECT_TRUE(AssertionHeader().contains("x5t"));
  EXPECT_EQ(authority_->last_form().at("resource"), "https://api.contoso.com/orders");
  EXPECT_EQ(authority_->last_form().count("claims"), 0u);
  EXPECT_EQ(Claims(response).at("aud"), "https://api.contoso.com/orders");
  // It leaves out what it did not grant, and does not say so.
  EXPECT_THAT(response.access_token().granted_scopes(), IsEmpty());
  EXPECT_EQ(response.access_token().tenant(), "");
  EXPECT_EQ(MustAcquire(request).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
}

TEST_F(AuthorityKindsTest, AdFsTakesTheResourceInFrontOfAScope) {
  StartKind("adfs: {base_url: \"$/adfs\"}", SecretCredential());
  const auto response = MustAcquire(Request("https://api.contoso.com/Orders/openid"));
  EXPECT_EQ(Claims(response).at("aud"), "https://api.contoso.com/Orders");
}

TEST_F(AuthorityKindsTest, AdFsRefusals) {
  DevAuthority::Options options;
  options.resources = {"https://api.contoso.com"};
  StartKind("adfs: {base_url: \"$\"}", SecretCredential(), std::move(options));
  const ReadStatus scope = MustFail(Request("https://other.contoso.com/openid"));
  EXPECT_EQ(scope.code, grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(scope.reason, "SCOPE_NOT_ACCEPTED");
  auto tenant = Request("openid");
  tenant.set_tenant(kTenant);
  EXPECT_EQ(MustFail(tenant).reason, "INVALID_REQUEST");
  auto audience = Request("openid");
  audience.set_audience("https://api.contoso.com");
  EXPECT_EQ(MustFail(audience).bad_request.field_violations(0).field(), "audience");
  WriteFile("secret", "canary-wrong-secret");
  clock_.Advance(absl::Seconds(2));
  const ReadStatus secret = MustFail(Request("openid"));
  EXPECT_EQ(secret.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(secret.reason, "REGISTRATION_MISCONFIGURED");
  EXPECT_THAT(secret.everything + logger_.AllText() + Metrics(), Not(HasSubstr("canary")));
}

TEST_F(AuthorityKindsTest, B2cIsAskedAtItsTenantAndPolicy) {
  const std::string credential = CertificateCredential();
  StartKind("b2c: {base_url: \"$\", tenant: contoso.example, policy: B2C_1_signin}", credential);
  const auto response = MustAcquire(Request("https://contoso.example/orders/.default"));
  EXPECT_EQ(AssertionHeader().at("alg"), "PS256");
  EXPECT_TRUE(AssertionHeader().contains("x5t#S256"));
  EXPECT_THAT(Claims(response).at("iss").get<std::string>(), HasSubstr("/B2C_1_signin/"));
  EXPECT_THAT(response.access_token().granted_scopes(),
              ElementsAre("https://contoso.example/orders/.default"));
  EXPECT_EQ(MustFail(Request("openid")).reason, "SCOPE_NOT_ACCEPTED");
}

TEST_F(AuthorityKindsTest, B2cRefusesOurSecretInItsOwnWords) {
  StartKind("b2c: {base_url: \"$\", tenant: contoso.example, policy: p}", SecretCredential());
  WriteFile("secret", "canary-wrong-secret");
  clock_.Advance(absl::Seconds(2));
  const ReadStatus status = MustFail(Request(kResource));
  EXPECT_EQ(status.reason, "REGISTRATION_MISCONFIGURED");
  EXPECT_EQ(status.authority.error(), "invalid_client");
  EXPECT_THAT(status.everything + logger_.AllText(), Not(HasSubstr("canary")));
}

TEST_F(AuthorityKindsTest, CiamIsAskedAtItsTenant) {
  StartKind("ciam: {base_url: \"$\", tenant: contoso.example}", SecretCredential());
  const auto response = MustAcquire(Request());
  EXPECT_EQ(Claims(response).at("aud"), "api://orders-api");
  EXPECT_THAT(response.access_token().granted_scopes(), ElementsAre(kResource));
  EXPECT_EQ(authority_->counters().token_requests_by_tenant.at("contoso.example"), 1);
  EXPECT_EQ(MustFail(Request("user.read")).reason, "SCOPE_NOT_ACCEPTED");
}

}  // namespace
}  // namespace tokensvc::testing
