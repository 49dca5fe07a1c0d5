// SPDX-License-Identifier: Apache-2.0
// Workload identity federation: a cluster's issuer signs assertions into a file, and the authority
// takes them for the client.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/authority/jwt.h"
#include "tests/authority/test_certificates.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kIssuer[] = "https://cluster.example";
constexpr char kSubject[] = "system:serviceaccount:orders:default";

std::string ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

class WorkloadIdentityTest : public ServiceFixture {
 protected:
  void StartFederated() {
    auto certificates = TestCertificates::Create(dir_);
    ASSERT_TRUE(certificates.ok());
    auto cluster = (*certificates)->IssueClient("cluster");
    ASSERT_TRUE(cluster.ok());
    auto key = devauth::SigningKey::FromPem(ReadWhole(cluster->private_key));
    ASSERT_TRUE(key.ok());
    key_ = *std::move(key);
    WriteAssertion(kSubject, absl::Hours(1));
    DevAuthority::Options options;
    options.now = [this] { return clock_.Now(); };
    DevAuthority::Client client;
    client.id = "orders-service";
    client.federated.push_back(
        {kIssuer, kSubject, "api://AzureADTokenExchange", ReadWhole(cluster->certificate)});
    options.clients.push_back(std::move(client));
    StartAuthority(std::move(options));
    StartService(absl::StrCat(
        "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests}]\n"
        "policy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], "
        "grants: [\"*\"], "
        "scopes: [\"*\"]}]}\n"

        "metrics: {address: \"127.0.0.1:0\"}\n"
        "authorities: [{name: dev, entra: {base_url: \"",
        authority_->base_url(),
        "\", instance_discovery: false}}]\n"
        "registrations:\n"
        "  - {name: orders, authority: dev, client_id: orders-service, tenants: [\"",
        kTenant, "\"], default_tenant: \"", kTenant, "\", credentials: [{assertion_file: {path: \"",
        Path("token"), "\"}}]}\n"));
  }

  void WriteAssertion(const std::string& subject, absl::Duration life) {
    assertion_ = devauth::SignJwt(*key_, {{"iss", kIssuer},
                                          {"sub", subject},
                                          {"aud", {"api://AzureADTokenExchange"}},
                                          {"exp", absl::ToUnixSeconds(clock_.Now() + life)}});
    WriteFile("token", assertion_ + "\n");
  }

  void ExpectNoAssertionIn(const std::string& text) const {
    EXPECT_THAT(text, Not(HasSubstr(assertion_.substr(assertion_.rfind('.')))));
  }

  std::optional<devauth::SigningKey> key_;
  std::string assertion_;
};

TEST_F(WorkloadIdentityTest, TheFilesAssertionGetsTokensAndIsReadAgain) {
  StartFederated();
  MustAcquire(Request());
  EXPECT_EQ(authority_->last_form().at("client_assertion"), assertion_);
  EXPECT_EQ(authority_->last_form().count("client_secret"), 0u);

  clock_.Advance(absl::Minutes(50));
  WriteAssertion(kSubject, absl::Hours(1));
  auto again = Request();
  again.set_force_refresh(true);
  MustAcquire(again);
  EXPECT_EQ(authority_->last_form().at("client_assertion"), assertion_);
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, HasSubstr("tokensvc_credential_assertion_seconds_to_expiry"));
  ExpectNoAssertionIn(metrics + logger_.AllText());
}

TEST_F(WorkloadIdentityTest, AStaleFileIsTheOperatorsMatterAndTheAuthorityIsNotAsked) {
  StartFederated();
  clock_.Advance(absl::Hours(2));
  const ReadStatus status = MustFail(Request());
  EXPECT_EQ(status.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.reason, "REGISTRATION_MISCONFIGURED");
  EXPECT_EQ(TokenRequests(), 0);
  EXPECT_THAT(logger_.AllText(), HasSubstr("its file is stale"));
  ExpectNoAssertionIn(status.everything + logger_.AllText());

  // The file's writer is back: the refusal is forgotten soon.
  WriteAssertion(kSubject, absl::Hours(1));
  clock_.Advance(absl::Seconds(11));
  MustAcquire(Request());
}

TEST_F(WorkloadIdentityTest, AnAssertionOfAnotherWorkloadIsACredentialThatIsRefused) {
  StartFederated();
  WriteAssertion("system:serviceaccount:other:default", absl::Hours(2));
  clock_.Advance(absl::Seconds(2));
  const ReadStatus status = MustFail(Request());
  EXPECT_EQ(status.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.reason, "REGISTRATION_MISCONFIGURED");
  EXPECT_EQ(logger_.Count("credential_refused"), 1u);
  ExpectNoAssertionIn(status.everything + logger_.AllText() + Metrics());
}

}  // namespace
}  // namespace tokensvc::testing
