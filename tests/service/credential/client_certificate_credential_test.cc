// SPDX-License-Identifier: Apache-2.0
#include "service/credential/client_certificate_credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/service/credential/credential_fixture.h"
#include "tests/service/jose/test_keys.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::tokensvc::testing::CertificatePem;
using ::tokensvc::testing::DecodedJws;
using ::tokensvc::testing::DecodeJws;
using ::tokensvc::testing::EcKey;
using ::tokensvc::testing::FakeClock;
using ::tokensvc::testing::FakeRandom;
using ::tokensvc::testing::KeyPem;
using ::tokensvc::testing::Plain;
using ::tokensvc::testing::RsaKey;

constexpr char kEndpoint[] = "https://westeurope.login.example/tenant/oauth2/v2.0/token";
constexpr char kClientId[] = "11111111-2222-3333-4444-555555555555";

class ClientCertificateCredentialTest : public testing::CredentialFixture {
 protected:
  ClientCertificateCredential::Options OptionsFor(EVP_PKEY* key) {
    ClientCertificateCredential::Options options;
    options.key_pair.credential_id = "crm/0";
    options.key_pair.certificate_path = Write("cert.pem", CertificatePem(key));
    options.key_pair.private_key_path = Write("key.pem", KeyPem(key));
    return options;
  }

  std::shared_ptr<ClientCertificateCredential> Make(ClientCertificateCredential::Options options) {
    return ClientCertificateCredential::Create(std::move(options), environment_).value();
  }

  static TokenEndpointRequest Request() {
    TokenEndpointRequest request;
    request.token_endpoint = kEndpoint;
    request.client_id = kClientId;
    return request;
  }

  DecodedJws Assertion(ClientCertificateCredential& credential, JwsAlgorithm algorithm,
                       EVP_PKEY* key) {
    TokenEndpointRequest request = Request();
    EXPECT_EQ(RunAwaitable(credential.AddTo(request)), absl::OkStatus());
    return DecodeJws(algorithm, key, Plain(request.form)["client_assertion"]);
  }

  std::string ThumbprintSha256() const {
    std::ifstream file(Path("cert.pem"));
    const std::string pem((std::istreambuf_iterator<char>(file)), {});
    return CertificateChain::FromPem(pem)->x5t_s256();
  }
};

TEST_F(ClientCertificateCredentialTest, SendsAnAssertionAsEntraDocumentsIt) {
  const auto credential = Make(OptionsFor(RsaKey()));
  TokenEndpointRequest request = Request();
  ASSERT_EQ(RunAwaitable(credential->AddTo(request)), absl::OkStatus());
  auto form = Plain(request.form);
  EXPECT_THAT(form, SizeIs(3));
  EXPECT_EQ(form["client_id"], kClientId);
  EXPECT_EQ(form["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  EXPECT_TRUE(request.headers.empty());
  EXPECT_EQ(request.credential_version, 1u);

  const DecodedJws decoded = DecodeJws(JwsAlgorithm::kPs256, RsaKey(), form["client_assertion"]);
  EXPECT_TRUE(decoded.valid);
  const Json header = {{"alg", "PS256"}, {"typ", "JWT"}, {"x5t#S256", ThumbprintSha256()}};
  EXPECT_EQ(decoded.header, header);
  FakeRandom same;
  const std::int64_t now = absl::ToUnixSeconds(FakeClock::Start());
  const Json claims = {{"aud", kEndpoint}, {"iss", kClientId}, {"sub", kClientId},     {"iat", now},
                       {"nbf", now},       {"exp", now + 600}, {"jti", MakeUuid(same)}};
  EXPECT_EQ(decoded.payload, claims);
}

TEST_F(ClientCertificateCredentialTest, Rs256CarriesTheSha1ThumbprintAndNoOther) {
  auto options = OptionsFor(RsaKey());
  options.key_pair.algorithm = JwsAlgorithm::kRs256;
  const DecodedJws decoded = Assertion(*Make(std::move(options)), JwsAlgorithm::kRs256, RsaKey());
  EXPECT_TRUE(decoded.valid);
  EXPECT_EQ(decoded.header["alg"], "RS256");
  EXPECT_EQ(decoded.header["x5t"].get<std::string>().size(), 27u);
  EXPECT_FALSE(decoded.header.contains("x5t#S256"));
}

TEST_F(ClientCertificateCredentialTest, Es256CarriesTheSha256Thumbprint) {
  const DecodedJws decoded = Assertion(*Make(OptionsFor(EcKey())), JwsAlgorithm::kEs256, EcKey());
  EXPECT_TRUE(decoded.valid);
  const Json header = {{"alg", "ES256"}, {"typ", "JWT"}, {"x5t#S256", ThumbprintSha256()}};
  EXPECT_EQ(decoded.header, header);
}

TEST_F(ClientCertificateCredentialTest, SendsTheWholeChainWhereConfigured) {
  auto options = OptionsFor(RsaKey());
  Write("cert.pem", CertificatePem(RsaKey()) + CertificatePem(EcKey()));
  options.format.send_chain = true;
  const DecodedJws decoded = Assertion(*Make(std::move(options)), JwsAlgorithm::kPs256, RsaKey());
  ASSERT_TRUE(decoded.header["x5c"].is_array());
  ASSERT_EQ(decoded.header["x5c"].size(), 2u);
  std::string der;
  ASSERT_TRUE(absl::Base64Unescape(decoded.header["x5c"][0].get<std::string>(), &der));
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  const SslPtr<X509> leaf(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
  ASSERT_NE(leaf, nullptr);
  EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(leaf.get()), RsaKey()), 1);
}

TEST_F(ClientCertificateCredentialTest, SendsAKeyIdOnlyWhereOneIsConfigured) {
  auto options = OptionsFor(RsaKey());
  EXPECT_FALSE(Assertion(*Make(options), JwsAlgorithm::kPs256, RsaKey()).header.contains("kid"));
  options.format.key_id = "key-2026";
  EXPECT_EQ(Assertion(*Make(options), JwsAlgorithm::kPs256, RsaKey()).header["kid"], "key-2026");
}

TEST_F(ClientCertificateCredentialTest, AudienceAndLifetimeCanBeConfigured) {
  auto options = OptionsFor(EcKey());
  options.format.audience = "https://issuer.example";
  options.format.lifetime = absl::Minutes(2);
  const Json claims = Assertion(*Make(std::move(options)), JwsAlgorithm::kEs256, EcKey()).payload;
  EXPECT_EQ(claims["aud"], "https://issuer.example");
  EXPECT_EQ(claims["exp"].get<std::int64_t>() - claims["iat"].get<std::int64_t>(), 120);
}

TEST_F(ClientCertificateCredentialTest, RefusesAnAbsurdLifetime) {
  for (const absl::Duration lifetime :
       {absl::ZeroDuration(), -absl::Minutes(5), absl::Hours(25), absl::InfiniteDuration()}) {
    auto options = OptionsFor(EcKey());
    options.format.lifetime = lifetime;
    EXPECT_EQ(ClientCertificateCredential::Create(std::move(options), environment_).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(ClientCertificateCredentialTest, EachRequestCarriesAnAssertionOfItsOwn) {
  const auto credential = Make(OptionsFor(EcKey()));
  const Json first = Assertion(*credential, JwsAlgorithm::kEs256, EcKey()).payload;
  clock_.Advance(absl::Seconds(30));
  const Json second = Assertion(*credential, JwsAlgorithm::kEs256, EcKey()).payload;
  EXPECT_NE(first["jti"], second["jti"]);
  EXPECT_EQ(second["iat"].get<std::int64_t>() - first["iat"].get<std::int64_t>(), 30);
}

TEST_F(ClientCertificateCredentialTest, ARequestAfterARotationIsSignedWithTheNewKey) {
  const auto credential = Make(OptionsFor(RsaKey(0)));
  Write("cert.pem", CertificatePem(RsaKey(1)));
  PassInterval();
  EXPECT_TRUE(Assertion(*credential, JwsAlgorithm::kPs256, RsaKey(0)).valid);
  Write("key.pem", KeyPem(RsaKey(1)));
  PassInterval();
  const DecodedJws decoded = Assertion(*credential, JwsAlgorithm::kPs256, RsaKey(1));
  EXPECT_TRUE(decoded.valid);
  EXPECT_EQ(decoded.header["x5t#S256"], ThumbprintSha256());
  EXPECT_EQ(credential->version(), 2u);
}

TEST_F(ClientCertificateCredentialTest, ARotationMayChangeTheTypeOfKey) {
  const auto credential = Make(OptionsFor(RsaKey()));
  OptionsFor(EcKey());  // Writes the files.
  PassInterval();
  RunAwaitable(credential->CheckForChange());
  EXPECT_TRUE(Assertion(*credential, JwsAlgorithm::kEs256, EcKey()).valid);
}

TEST_F(ClientCertificateCredentialTest, TellsWhenItsCertificateEnds) {
  EXPECT_EQ(Make(OptionsFor(EcKey()))->not_after(), testing::CertificateSpec().not_after);
}

TEST_F(ClientCertificateCredentialTest, AFullWorkerQueueIsAnErrorThatLeavesTheRequestAlone) {
  WorkerPool none(1, 0);
  const CredentialEnvironment environment{clock_, random_, none, logger_, metrics_};
  const auto credential =
      ClientCertificateCredential::Create(OptionsFor(EcKey()), environment).value();
  TokenEndpointRequest request = Request();
  EXPECT_EQ(RunAwaitable(credential->AddTo(request)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(request.form.empty());
}

TEST_F(ClientCertificateCredentialTest, RefusesAnAssertionThatNobodyWouldTake) {
  const auto credential = Make(OptionsFor(EcKey()));
  TokenEndpointRequest request = Request();
  request.client_id = "canary" + std::string(kMaxClientAssertionBytes, 'x');
  const absl::Status too_large = RunAwaitable(credential->AddTo(request));
  EXPECT_EQ(too_large.code(), absl::StatusCode::kFailedPrecondition);
  request.client_id = "canary\xff";
  const absl::Status not_utf8 = RunAwaitable(credential->AddTo(request));
  EXPECT_EQ(not_utf8.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(too_large.ToString() + not_utf8.ToString(), Not(HasSubstr("canary")));
  EXPECT_TRUE(request.form.empty());
}

TEST_F(ClientCertificateCredentialTest, ManyLoopsSignAtOnceWhileTheKeyRotates) {
  const auto credential = Make(OptionsFor(EcKey()));
  std::vector<std::thread> loops;
  std::atomic<int> invalid{0};
  for (int i = 0; i < 3; ++i) {
    loops.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        clock_.Advance(absl::Seconds(1));
        TokenEndpointRequest request = Request();
        if (!RunAwaitable(credential->AddTo(request)).ok()) ++invalid;
        const std::string jws = Plain(request.form)["client_assertion"];
        const bool ec = DecodeJws(JwsAlgorithm::kEs256, EcKey(), jws).header["alg"] == "ES256";
        if (!(ec ? DecodeJws(JwsAlgorithm::kEs256, EcKey(), jws)
                 : DecodeJws(JwsAlgorithm::kPs256, RsaKey(), jws))
                 .valid) {
          ++invalid;
        }
      }
    });
  }
  for (int i = 0; i < 6; ++i) OptionsFor(i % 2 == 0 ? RsaKey() : EcKey());
  for (std::thread& loop : loops) loop.join();
  EXPECT_EQ(invalid, 0);
}

}  // namespace
}  // namespace tokensvc
