// SPDX-License-Identifier: Apache-2.0
// Client authentication by a signed assertion (RFC 7523): what holds, and each thing that does not.
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tests/authority/authority_test_fixture.h"
#include "tests/authority/encoding.h"
#include "tests/authority/keys.h"
#include "tests/authority/test_certificates.h"

namespace tokensvc {
namespace {

constexpr char kJwtBearer[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

// Signs as a client would, with OpenSSL directly.
std::string SignAs(const std::string& alg, EVP_PKEY* key, const std::string& input) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  EVP_DigestSignInit(context.get(), &parameters, EVP_sha256(), nullptr, key);
  if (alg == "PS256") {
    EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
  size_t size = 0;
  EVP_DigestSign(context.get(), nullptr, &size, bytes, input.size());
  std::string out(size, '\0');
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes,
                 input.size());
  out.resize(size);
  if (alg != "ES256") return out;
  const auto* der = reinterpret_cast<const unsigned char*>(out.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(out.size()));
  std::string raw(64, '\0');
  auto* begin = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), begin, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), begin + 32, 32);
  ECDSA_SIG_free(signature);
  return raw;
}

// A client's key pair.
struct Signer {
  devauth::SharedPkey key;
  devauth::RegisteredCertificate certificate;
  std::string pem;
};

Signer MakeSigner(TestCertificates& certificates, const std::string& name,
                  TestCertificates::Key kind) {
  const auto files = certificates.IssueClient(name, kind);
  EXPECT_TRUE(files.ok()) << files.status();
  Signer signer;
  signer.pem = ReadWholeFile(files->certificate);
  signer.certificate = *devauth::RegisteredCertificate::FromPem(signer.pem);
  const std::string key = ReadWholeFile(files->private_key);
  BIO* bio = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  signer.key =
      devauth::SharedPkey(PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr), &EVP_PKEY_free);
  BIO_free(bio);
  return signer;
}

// Made once for all tests: RSA keys are slow to make.
struct Signers {
  explicit Signers(TestCertificates& certificates)
      : rsa(MakeSigner(certificates, "rsa", TestCertificates::Key::kRsa2048)),
        ec(MakeSigner(certificates, "ec", TestCertificates::Key::kEcP256)),
        stranger(MakeSigner(certificates, "stranger", TestCertificates::Key::kRsa2048)) {}

  Signer rsa;
  Signer ec;
  Signer stranger;
};

class AssertionTest : public AuthorityTest {
 protected:
  void SetUp() override {
    auto certificates = TestCertificates::Create(directory_);
    ASSERT_TRUE(certificates.ok()) << certificates.status();
    static const Signers* signers = new Signers(**certificates);
    rsa_ = signers->rsa;
    ec_ = signers->ec;
    stranger_ = signers->stranger;
    DevAuthority::Options options;
    options.clients = {{kClientId, {}, {rsa_.pem, ec_.pem}, {}}, {"other", {"x"}, {}, {}}};
    Start(options);
  }

  std::string Endpoint() const { return authority_->token_endpoint(kTenant); }

  Json GoodHeader() const {
    return {{"alg", "PS256"}, {"typ", "JWT"}, {"x5t#S256", rsa_.certificate.x5t_s256}};
  }

  Json GoodClaims() const {
    const int64_t now = absl::ToUnixSeconds(absl::Now());
    return {{"iss", kClientId}, {"sub", kClientId}, {"aud", Endpoint()},           {"iat", now},
            {"nbf", now},       {"exp", now + 600}, {"jti", devauth::RandomUuid()}};
  }

  static std::string Sign(const Json& header, const Json& claims, const Signer& signer) {
    const std::string input = absl::StrCat(devauth::Base64UrlEncode(header.dump()), ".",
                                           devauth::Base64UrlEncode(claims.dump()));
    return absl::StrCat(input, ".",
                        devauth::Base64UrlEncode(
                            SignAs(header["alg"].get<std::string>(), signer.key.get(), input)));
  }

  Answer Present(const std::string& assertion, const std::string& path = TokenPath()) {
    return Post(path, {{"grant_type", "client_credentials"},
                       {"client_id", kClientId},
                       {"client_assertion_type", kJwtBearer},
                       {"client_assertion", assertion},
                       {"scope", "https://api.example/.default"}});
  }

  // The answer to a good PS256 assertion with claims replaced; null leaves one out.
  Answer PresentClaims(const Json& changes) {
    Json claims = GoodClaims();
    claims.merge_patch(changes);
    return Present(Sign(GoodHeader(), claims, rsa_));
  }

  Answer PresentHeader(const Json& changes, const Signer& signer) {
    Json header = GoodHeader();
    header.merge_patch(changes);
    return Present(Sign(header, GoodClaims(), signer));
  }

  Signer rsa_;
  Signer ec_;
  Signer stranger_;
};

TEST_F(AssertionTest, TakesEachAlgorithmAndThumbprint) {
  EXPECT_EQ(PresentHeader(Json::object(), rsa_).status, 200);
  EXPECT_EQ(PresentHeader({{"alg", "RS256"}}, rsa_).status, 200);
  EXPECT_EQ(
      PresentHeader({{"alg", "RS256"}, {"x5t#S256", nullptr}, {"x5t", rsa_.certificate.x5t}}, rsa_)
          .status,
      200);
  EXPECT_EQ(PresentHeader({{"alg", "ES256"}, {"x5t#S256", ec_.certificate.x5t_s256}}, ec_).status,
            200);
}

TEST_F(AssertionTest, WorksAtTheOidcTokenEndpointForThatAudience) {
  Json claims = GoodClaims();
  EXPECT_EQ(Present(Sign(GoodHeader(), claims, rsa_), "/oidc/token").error(), "invalid_client");
  claims["aud"] = authority_->oidc_issuer() + "/token";
  EXPECT_EQ(Present(Sign(GoodHeader(), claims, rsa_), "/oidc/token").status, 200);
}

TEST_F(AssertionTest, TheClientIdMayBeLeftToTheAssertion) {
  const Answer answer =
      Post(TokenPath(), {{"grant_type", "client_credentials"},
                         {"client_assertion_type", kJwtBearer},
                         {"client_assertion", Sign(GoodHeader(), GoodClaims(), rsa_)},
                         {"scope", "https://api.example/.default"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(authority_->counters().token_requests_by_client[kClientId], 1);
}

TEST_F(AssertionTest, RefusesSignaturesThatDoNotProveTheClient) {
  EXPECT_EQ(PresentHeader(Json::object(), stranger_).aadsts(), 700027);
  EXPECT_EQ(PresentHeader({{"x5t#S256", stranger_.certificate.x5t_s256}}, stranger_).aadsts(),
            700027);
  EXPECT_EQ(PresentHeader({{"x5t#S256", nullptr}}, rsa_).aadsts(), 700027);
  // Standard base64 in place of base64url: padded, so never the canonical spelling.
  EXPECT_EQ(PresentHeader({{"x5t#S256", rsa_.certificate.x5t_s256 + "="}}, rsa_).aadsts(), 700027);
  // The two thumbprints name different certificates.
  EXPECT_EQ(PresentHeader({{"x5t", ec_.certificate.x5t}}, rsa_).aadsts(), 700027);
  // The algorithm does not fit the key.
  EXPECT_EQ(PresentHeader({{"x5t#S256", ec_.certificate.x5t_s256}}, rsa_).aadsts(), 700027);
  std::string altered = Sign(GoodHeader(), GoodClaims(), rsa_);
  const size_t at = altered.rfind('.') + 5;
  altered[at] = altered[at] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Present(altered).aadsts(), 700027);
}

TEST_F(AssertionTest, RefusesOtherAlgorithms) {
  for (const char* alg : {"none", "HS256", "RS512", "ps256", ""}) {
    EXPECT_EQ(PresentHeader({{"alg", alg}}, rsa_).aadsts(), 5002730) << alg;
  }
}

TEST_F(AssertionTest, TheLeafOfAChainMustBeTheRegisteredCertificate) {
  const std::string own = absl::Base64Escape(rsa_.certificate.der);
  const std::string foreign = absl::Base64Escape(stranger_.certificate.der);
  EXPECT_EQ(PresentHeader({{"x5c", {own}}}, rsa_).status, 200);
  EXPECT_EQ(PresentHeader({{"x5c", {own, foreign}}}, rsa_).status, 200);
  EXPECT_EQ(PresentHeader({{"x5c", {foreign, own}}}, rsa_).aadsts(), 700027);
  EXPECT_EQ(PresentHeader({{"x5c", own}}, rsa_).aadsts(), 700027);
  EXPECT_EQ(PresentHeader({{"x5c", Json::array()}}, rsa_).aadsts(), 700027);
}

TEST_F(AssertionTest, IssuerAndSubjectAreTheClient) {
  EXPECT_EQ(PresentClaims({{"iss", "other"}}).aadsts(), 700021);
  EXPECT_EQ(PresentClaims({{"sub", "other"}}).aadsts(), 700021);
  EXPECT_EQ(PresentClaims({{"iss", nullptr}}).aadsts(), 700021);
}

TEST_F(AssertionTest, TheAudienceIsTheTokenEndpointThatIsUsed) {
  EXPECT_EQ(PresentClaims({{"aud", Json::array({Endpoint()})}}).status, 200);
  EXPECT_EQ(PresentClaims({{"aud", nullptr}}).aadsts(), 700023);
  EXPECT_EQ(PresentClaims({{"aud", authority_->base_url()}}).aadsts(), 700023);
  EXPECT_EQ(PresentClaims({{"aud", authority_->token_endpoint("other.example")}}).aadsts(), 700023);
  EXPECT_EQ(PresentClaims({{"aud", Json::array({Endpoint(), "https://b.example"})}}).aadsts(),
            700023);
}

TEST_F(AssertionTest, TimesAreBounded) {
  const int64_t now = absl::ToUnixSeconds(absl::Now());
  EXPECT_EQ(PresentClaims({{"exp", now - 300}, {"nbf", now - 600}, {"iat", now - 600}}).aadsts(),
            700024);
  EXPECT_EQ(PresentClaims({{"nbf", now + 300}}).aadsts(), 700024);
  EXPECT_EQ(PresentClaims({{"iat", now + 300}}).aadsts(), 700024);
  EXPECT_EQ(PresentClaims({{"exp", now + 3600}}).aadsts(), 700024);
  EXPECT_EQ(PresentClaims({{"exp", now + 3600}, {"nbf", nullptr}, {"iat", nullptr}}).aadsts(),
            700024);
  EXPECT_EQ(PresentClaims({{"nbf", nullptr}, {"iat", nullptr}}).status, 200);
  EXPECT_EQ(PresentClaims({{"exp", nullptr}}).aadsts(), 50027);
  EXPECT_EQ(PresentClaims({{"exp", std::to_string(now + 600)}}).aadsts(), 50027);
  EXPECT_EQ(PresentClaims({{"exp", 1e300}}).aadsts(), 50027);
}

TEST_F(AssertionTest, AnAssertionIsGoodOnce) {
  const std::string assertion = Sign(GoodHeader(), GoodClaims(), rsa_);
  EXPECT_EQ(Present(assertion).status, 200);
  EXPECT_EQ(Present(assertion).aadsts(), 50027);
  EXPECT_EQ(PresentClaims({{"jti", nullptr}}).aadsts(), 50027);
  EXPECT_EQ(PresentClaims({{"jti", ""}}).aadsts(), 50027);
  EXPECT_EQ(PresentClaims({{"jti", std::string(300, 'j')}}).aadsts(), 50027);
}

TEST_F(AssertionTest, ARefusedAssertionDoesNotUseUpItsId) {
  Json claims = GoodClaims();
  claims["aud"] = "https://wrong.example";
  EXPECT_EQ(Present(Sign(GoodHeader(), claims, rsa_)).aadsts(), 700023);
  claims["aud"] = Endpoint();
  EXPECT_EQ(Present(Sign(GoodHeader(), claims, rsa_)).status, 200);
}

TEST_F(AssertionTest, RefusesMalformedAssertionsAndTypes) {
  for (const char* bad : {"x", "a.b", "a.b.c.d", "!!.!!.!!", "e30.e30.", "W10.e30.AA"}) {
    EXPECT_EQ(Present(bad).status, 401) << bad;
  }
  Params params = {{"grant_type", "client_credentials"},
                   {"client_id", kClientId},
                   {"scope", "https://api.example/.default"}};
  params["client_assertion"] = Sign(GoodHeader(), GoodClaims(), rsa_);
  EXPECT_EQ(Post(TokenPath(), params).aadsts(), 90014);
  params["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
  EXPECT_EQ(Post(TokenPath(), params).aadsts(), 50027);
  EXPECT_EQ(PresentHeader({{"crit", {"b64"}}}, rsa_).aadsts(), 50027);
  EXPECT_EQ(PresentHeader({{"typ", "at+jwt"}}, rsa_).aadsts(), 50027);
}

}  // namespace
}  // namespace tokensvc
