// SPDX-License-Identifier: Apache-2.0
#include "service/credential/tls_client_credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/service/credential/credential_fixture.h"
#include "tests/service/jose/test_keys.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::tokensvc::testing::CertificatePem;
using ::tokensvc::testing::CertificateSpec;
using ::tokensvc::testing::EcKey;
using ::tokensvc::testing::FakeClock;
using ::tokensvc::testing::KeyPem;
using ::tokensvc::testing::Plain;
using ::tokensvc::testing::RsaKey;

class TlsClientCredentialTest : public testing::CredentialFixture {
 protected:
  absl::StatusOr<std::shared_ptr<TlsClientCredential>> Create(const std::string& certificate,
                                                              const std::string& key) {
    TlsClientCredential::Options options;
    options.id = "crm/0";
    options.certificate_path = Write("cert.pem", certificate);
    options.private_key_path = Write("key.pem", key);
    return TlsClientCredential::Create(std::move(options), environment_);
  }

  TokenEndpointRequest Added(TlsClientCredential& credential) {
    TokenEndpointRequest request;
    request.client_id = "client 1";
    EXPECT_EQ(RunAwaitable(credential.AddTo(request)), absl::OkStatus());
    return request;
  }
};

TEST_F(TlsClientCredentialTest, TheFormHoldsTheClientIdAlone) {
  const std::string certificate = CertificatePem(RsaKey());
  const auto credential = Create(certificate, KeyPem(RsaKey())).value();
  const TokenEndpointRequest request = Added(*credential);
  EXPECT_THAT(Plain(request.form), ElementsAre(Pair("client_id", "client 1")));
  EXPECT_THAT(request.headers, IsEmpty());
  ASSERT_NE(request.client_certificate, nullptr);
  EXPECT_EQ(request.client_certificate->certificate_pem.Reveal(), certificate);
  EXPECT_EQ(request.client_certificate->private_key_pem.Reveal(), KeyPem(RsaKey()));
  EXPECT_EQ(request.credential_version, 1u);
}

TEST_F(TlsClientCredentialTest, FollowsItsFilesAsAPairUnderAnotherId) {
  const auto credential = Create(CertificatePem(RsaKey()), KeyPem(RsaKey())).value();
  const std::string first = Added(*credential).client_certificate->id;
  Write("cert.pem", CertificatePem(EcKey()));
  PassInterval();
  EXPECT_EQ(Added(*credential).client_certificate->id, first) << "half of a pair";
  EXPECT_EQ(Counters().reload_failures.Value(), 1);
  Write("key.pem", KeyPem(EcKey()));
  PassInterval();
  const TokenEndpointRequest second = Added(*credential);
  EXPECT_NE(second.client_certificate->id, first);
  EXPECT_EQ(second.credential_version, 2u);
  EXPECT_EQ(credential->version(), 2u);
}

TEST_F(TlsClientCredentialTest, RefusesAnExpiredSuccessor) {
  const auto credential = Create(CertificatePem(RsaKey()), KeyPem(RsaKey())).value();
  CertificateSpec expired;
  expired.not_after = FakeClock::Start() - absl::Hours(1);
  Write("cert.pem", CertificatePem(RsaKey(), expired));
  PassInterval();
  EXPECT_EQ(Added(*credential).credential_version, 1u);
  EXPECT_EQ(Counters().reload_failures.Value(), 1);
}

TEST_F(TlsClientCredentialTest, RefusesWhatIsNoPairWithoutShowingIt) {
  for (const auto& [certificate, key] : std::vector<std::pair<std::string, std::string>>{
           {"canary", KeyPem(RsaKey())},
           {CertificatePem(RsaKey()), "canary"},
           {CertificatePem(RsaKey()), KeyPem(EcKey())},
           {CertificatePem(RsaKey()), KeyPem(RsaKey(), "canary")}}) {
    const absl::Status status = Create(certificate, key).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("canary")));
  }
}

TEST_F(TlsClientCredentialTest, AMetricCountsTheDaysToExpiry) {
  CertificateSpec spec;
  spec.not_after = FakeClock::Start() + absl::Hours(36);
  auto credential = Create(CertificatePem(RsaKey(), spec), KeyPem(RsaKey())).value();
  EXPECT_NEAR(DaysToExpiry(), 1.5, 1e-6);
  credential.reset();
  EXPECT_TRUE(std::isnan(DaysToExpiry()));
}

}  // namespace
}  // namespace tokensvc
