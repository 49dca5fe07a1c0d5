// SPDX-License-Identifier: Apache-2.0
#include "service/credential/reloading_key_pair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/service/credential/credential_fixture.h"
#include "tests/service/jose/test_keys.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::tokensvc::testing::CertificatePem;
using ::tokensvc::testing::CertificateSpec;
using ::tokensvc::testing::EcKey;
using ::tokensvc::testing::FakeClock;
using ::tokensvc::testing::KeyPem;
using ::tokensvc::testing::RsaKey;

CertificateSpec EndingAfter(absl::Duration life) {
  CertificateSpec spec;
  spec.not_after = FakeClock::Start() + life;
  return spec;
}

class ReloadingKeyPairTest : public testing::CredentialFixture {
 protected:
  KeyPairOptions OptionsFor() const {
    KeyPairOptions options;
    options.credential_id = "crm/0";
    options.certificate_path = Path("cert.pem");
    options.private_key_path = Path("key.pem");
    return options;
  }

  std::shared_ptr<ReloadingKeyPair> LoadFirstPair() {
    first_certificate_ = CertificatePem(RsaKey(0));
    Write("cert.pem", first_certificate_);
    Write("key.pem", KeyPem(RsaKey(0)));
    auto pair = ReloadingKeyPair::Load(OptionsFor(), environment_).value();
    first_thumbprint_ = pair->Current()->chain.x5t_s256();
    return pair;
  }

  absl::Status LoadError(const std::string& certificate, const std::string& key) {
    Write("cert.pem", certificate);
    Write("key.pem", key);
    return ReloadingKeyPair::Load(OptionsFor(), environment_).status();
  }

  void ExpectStillFirst(ReloadingKeyPair& pair, int failures) {
    PassInterval();
    pair.Check();
    EXPECT_EQ(pair.Current()->chain.x5t_s256(), first_thumbprint_);
    EXPECT_EQ(pair.version(), 1u);
    EXPECT_EQ(Counters().reload_failures.Value(), failures) << logger_.AllText();
  }

  std::string first_certificate_, first_thumbprint_;
};

TEST_F(ReloadingKeyPairTest, ChoosesTheAlgorithmByTheKeyUnlessToldOtherwise) {
  EXPECT_EQ(LoadFirstPair()->Current()->signer.algorithm(), JwsAlgorithm::kPs256);
  KeyPairOptions options = OptionsFor();
  options.algorithm = JwsAlgorithm::kRs256;
  EXPECT_EQ(ReloadingKeyPair::Load(options, environment_).value()->Current()->signer.algorithm(),
            JwsAlgorithm::kRs256);
  Write("cert.pem", CertificatePem(EcKey()));
  Write("key.pem", KeyPem(EcKey()));
  EXPECT_EQ(
      ReloadingKeyPair::Load(OptionsFor(), environment_).value()->Current()->signer.algorithm(),
      JwsAlgorithm::kEs256);
  EXPECT_EQ(ReloadingKeyPair::Load(options, environment_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ReloadingKeyPairTest, ReadsBothFromOneFile) {
  Write("both.pem", KeyPem(EcKey()) + CertificatePem(EcKey()));
  KeyPairOptions options = OptionsFor();
  options.certificate_path = options.private_key_path = Path("both.pem");
  EXPECT_TRUE(ReloadingKeyPair::Load(options, environment_).ok());
}

TEST_F(ReloadingKeyPairTest, ReplacesThePairWhenBothFilesAreThere) {
  const auto pair = LoadFirstPair();
  const std::shared_ptr<const KeyPair> held = pair->Current();
  Write("cert.pem", CertificatePem(RsaKey(1)));
  ExpectStillFirst(*pair, 1);  // Half of the pair.
  ExpectStillFirst(*pair, 1);
  Write("key.pem", KeyPem(RsaKey(1)));
  PassInterval();
  pair->Check();
  EXPECT_NE(pair->Current()->chain.x5t_s256(), first_thumbprint_);
  EXPECT_TRUE(
      pair->Current()->chain.Matches(PrivateKey::FromPem(Secret(KeyPem(RsaKey(1)))).value()));
  EXPECT_EQ(pair->version(), 2u);
  EXPECT_EQ(pair->Current()->version, 2u);
  EXPECT_EQ(Counters().reloads.Value(), 1);
  EXPECT_EQ(held->chain.x5t_s256(), first_thumbprint_) << "a request under way lost its pair";
}

TEST_F(ReloadingKeyPairTest, KeepsTheOldPairWhileTheNewOneCannotBeUsed) {
  const auto pair = LoadFirstPair();
  const std::string certificate = CertificatePem(RsaKey(1));
  Write("key.pem", KeyPem(RsaKey(1)));
  ExpectStillFirst(*pair, 1);
  WriteInPlace("cert.pem", certificate.substr(0, certificate.size() / 2));
  ExpectStillFirst(*pair, 2);
  Write("cert.pem", "canary");
  ExpectStillFirst(*pair, 3);
  std::filesystem::remove(Path("cert.pem"));
  ExpectStillFirst(*pair, 4);
  Write("cert.pem", CertificatePem(RsaKey(1), EndingAfter(-absl::Hours(1))));
  ExpectStillFirst(*pair, 5);
  Write("cert.pem", certificate);
  Write("key.pem", KeyPem(RsaKey(1), "canary"));
  ExpectStillFirst(*pair, 6);
  EXPECT_THAT(logger_.AllText(), HasSubstr("encrypted"));
  EXPECT_THAT(logger_.AllText(), HasSubstr("expired"));
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("canary")));
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("BEGIN")));

  Write("key.pem", KeyPem(RsaKey(1)));
  PassInterval();
  pair->Check();
  EXPECT_EQ(pair->version(), 2u);
}

TEST_F(ReloadingKeyPairTest, RefusesToStartWithAPairThatCannotBeUsed) {
  const std::string certificate = CertificatePem(RsaKey(0)), key = KeyPem(RsaKey(0));
  EXPECT_EQ(LoadError(certificate, key), absl::OkStatus());
  EXPECT_THAT(LoadError(certificate, KeyPem(RsaKey(1))).ToString(),
              HasSubstr("not that of the first certificate"));
  EXPECT_THAT(LoadError("canary", key).ToString(), HasSubstr("certificate"));
  EXPECT_THAT(LoadError(certificate, "canary").ToString(), HasSubstr("private key"));
  EXPECT_THAT(LoadError("canary", "canary").ToString(), Not(HasSubstr("canary")));
  std::filesystem::remove(Path("key.pem"));
  EXPECT_EQ(ReloadingKeyPair::Load(OptionsFor(), environment_).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ReloadingKeyPairTest, StartsWithAnExpiredCertificateAndSaysSo) {
  EXPECT_EQ(LoadError(CertificatePem(RsaKey(0), EndingAfter(absl::Seconds(0))), KeyPem(RsaKey(0))),
            absl::OkStatus());
  EXPECT_EQ(logger_.Count("credential_expired"), 1u);
}

TEST_F(ReloadingKeyPairTest, ExportsTheDaysToExpiry) {
  Write("cert.pem", CertificatePem(RsaKey(0), EndingAfter(absl::Hours(36))));
  Write("key.pem", KeyPem(RsaKey(0)));
  auto pair = ReloadingKeyPair::Load(OptionsFor(), environment_).value();
  EXPECT_DOUBLE_EQ(DaysToExpiry(), 1.5);
  clock_.Advance(absl::Hours(48));
  EXPECT_DOUBLE_EQ(DaysToExpiry(), -0.5);

  // The configuration is loaded anew: the new pair counts, and the end of the old one changes
  // nothing.
  Write("cert.pem", CertificatePem(RsaKey(0), EndingAfter(absl::Hours(72))));
  auto next = ReloadingKeyPair::Load(OptionsFor(), environment_).value();
  pair.reset();
  EXPECT_DOUBLE_EQ(DaysToExpiry(), 1);
  next.reset();
  EXPECT_TRUE(std::isnan(DaysToExpiry()));
}

}  // namespace
}  // namespace tokensvc
