// SPDX-License-Identifier: Apache-2.0
// Whom the service believes to be the authority; authority_faults_test.cc has the rest of what
// comes of it.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/authority/test_certificates.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

class UntrustedAuthorityTest : public ServiceFixture {
 protected:
  void StartWithTls(TestCertificates::Validity validity, bool trusted) {
    auto certificates = TestCertificates::Create(dir_);
    ASSERT_TRUE(certificates.ok());
    auto server = (*certificates)->IssueServer("authority", validity);
    ASSERT_TRUE(server.ok());
    WriteFile("secret", kSecretCanary);
    DevAuthority::Options options;
    options.tls_certificate_file = server->certificate;
    options.tls_private_key_file = server->private_key;
    options.clients.push_back({"orders-service", {kSecretCanary}, {}, {}});
    StartAuthority(std::move(options));
    std::string configuration = Configuration();
    if (trusted) {
      const std::string place = "request_timeout: 5s";
      configuration.replace(configuration.find(place), place.size(),
                            place + ", ca_file: \"" + (*certificates)->ca_file() + "\"");
    }
    StartService(configuration);
  }

  void ExpectUntrusted() {
    const ReadStatus status = MustFail(Request());
    EXPECT_EQ(status.code, grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(status.reason, "AUTHORITY_UNTRUSTED");
    EXPECT_EQ(TokenRequests(), 0) << "the secret went to a stranger";
    ExpectNoCanary(status);
  }
};

TEST_F(UntrustedAuthorityTest, AValidCertificateOfATrustedAuthorityIsAccepted) {
  StartWithTls(TestCertificates::Validity::kValid, true);
  MustAcquire(Request());
}

TEST_F(UntrustedAuthorityTest, AnExpiredCertificateIsRefused) {
  StartWithTls(TestCertificates::Validity::kExpired, true);
  ExpectUntrusted();
}

TEST_F(UntrustedAuthorityTest, ACertificateThatIsNotYetValidIsRefused) {
  StartWithTls(TestCertificates::Validity::kNotYetValid, true);
  ExpectUntrusted();
}

TEST_F(UntrustedAuthorityTest, ACertificateOfAnUnknownAuthorityIsRefused) {
  StartWithTls(TestCertificates::Validity::kValid, false);
  ExpectUntrusted();
}

TEST_F(UntrustedAuthorityTest, ADiscoveryDocumentOfAForeignIssuerIsRefusedUntilItIsRight) {
  WriteFile("secret", kSecretCanary);
  DevAuthority::Options options;
  options.clients.push_back({"orders-service", {kSecretCanary}, {}, {}});
  StartAuthority(std::move(options));
  DevAuthority::Fault foreign;
  foreign.endpoint = DevAuthority::Endpoint::kDiscovery;
  foreign.foreign_issuer = "https://evil.example";
  authority_->AddFault(foreign);
  StartService(absl::StrCat(
      "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests}]\n"
      "policy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], "
      "grants: [\"*\"], "
      "scopes: [\"*\"]}]}\n"

      "metrics: {address: \"127.0.0.1:0\"}\n"
      "authorities: [{name: op, oidc: {issuer: \"",
      authority_->oidc_issuer(),
      "\"}}]\n"
      "registrations: [{name: orders, authority: op, client_id: orders-service, credentials: "
      "[{secret: {value: \"file:",
      Path("secret"), "\", method: basic}}]}]\n"));
  ExpectUntrusted();

  authority_->ClearFaults();
  clock_.Advance(absl::Minutes(2));
  const auto answer = MustAcquire(Request());
  EXPECT_EQ(answer.access_token().tenant(), "");
}

}  // namespace
}  // namespace tokensvc::testing
