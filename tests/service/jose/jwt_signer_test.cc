// SPDX-License-Identifier: Apache-2.0
#include "service/jose/jwt_signer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "tests/service/jose/rfc7515_vectors.h"
#include "tests/service/jose/test_keys.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::tokensvc::testing::DecodedJws;
using ::tokensvc::testing::DecodeJws;
using ::tokensvc::testing::EcKey;
using ::tokensvc::testing::FromBase64Url;
using ::tokensvc::testing::KeyPem;
using ::tokensvc::testing::RsaKey;
using ::tokensvc::testing::VerifyBytes;

SslPtr<BIGNUM> Number(absl::string_view base64url) {
  const std::string bytes = FromBase64Url(base64url);
  return SslPtr<BIGNUM>(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                  static_cast<int>(bytes.size()), nullptr));
}

SslPtr<EVP_PKEY> KeyFrom(const char* type, OSSL_PARAM_BLD* builder) {
  const SslPtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  OSSL_PARAM* parameters = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context.get());
  EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters);
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(builder);
  return SslPtr<EVP_PKEY>(key);
}

SslPtr<EVP_PKEY> RfcRsaKey() {
  const SslPtr<BIGNUM> n = Number(testing::kA2N), e = Number(testing::kA2E),
                       d = Number(testing::kA2D), p = Number(testing::kA2P),
                       q = Number(testing::kA2Q);
  // The rest of the key follows from these.
  BN_CTX* scratch = BN_CTX_new();
  const SslPtr<BIGNUM> less_one(BN_new()), dp(BN_new()), dq(BN_new());
  BN_sub(less_one.get(), p.get(), BN_value_one());
  BN_mod(dp.get(), d.get(), less_one.get(), scratch);
  BN_sub(less_one.get(), q.get(), BN_value_one());
  BN_mod(dq.get(), d.get(), less_one.get(), scratch);
  const SslPtr<BIGNUM> qi(BN_mod_inverse(nullptr, q.get(), p.get(), scratch));
  BN_CTX_free(scratch);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e.get());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, d.get());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR1, p.get());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR2, q.get());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp.get());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq.get());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qi.get());
  return KeyFrom("RSA", builder);
}

SslPtr<EVP_PKEY> RfcEcKey() {
  const std::string point =
      std::string("\x04") + FromBase64Url(testing::kA3X) + FromBase64Url(testing::kA3Y);
  const SslPtr<BIGNUM> d = Number(testing::kA3D);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d.get());
  return KeyFrom("EC", builder);
}

JwtSigner SignerOf(JwsAlgorithm algorithm, EVP_PKEY* key) {
  return JwtSigner::Create(algorithm, PrivateKey::FromPem(Secret(KeyPem(key))).value()).value();
}

TEST(JwtSigner, MakesTheSignatureOfRfc7515AppendixA2) {
  const SslPtr<EVP_PKEY> key = RfcRsaKey();
  ASSERT_NE(key, nullptr);
  const auto signature =
      SignerOf(JwsAlgorithm::kRs256, key.get()).SignBytes(testing::kA2SigningInput);
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_EQ(*signature, FromBase64Url(testing::kA2Signature));
}

TEST(JwtSigner, MakesSignaturesThatVerifyLikeThatOfRfc7515AppendixA3) {
  const SslPtr<EVP_PKEY> key = RfcEcKey();
  ASSERT_NE(key, nullptr);
  ASSERT_TRUE(VerifyBytes(JwsAlgorithm::kEs256, key.get(), testing::kA3SigningInput,
                          FromBase64Url(testing::kA3Signature)))
      << "the verification of this test does not agree with the RFC";
  const JwtSigner signer = SignerOf(JwsAlgorithm::kEs256, key.get());
  // Often enough to meet an r or s with leading zeros, which DER shortens and JWS does not.
  for (int i = 0; i < 1000; ++i) {
    const auto signature = signer.SignBytes(testing::kA3SigningInput);
    ASSERT_TRUE(signature.ok()) << signature.status();
    ASSERT_TRUE(VerifyBytes(JwsAlgorithm::kEs256, key.get(), testing::kA3SigningInput, *signature));
  }
}

struct AlgorithmCase {
  JwsAlgorithm algorithm;
  const char* name;
  EVP_PKEY* (*key)();
};

class JwtSignerAlgorithms : public ::testing::TestWithParam<AlgorithmCase> {};

TEST_P(JwtSignerAlgorithms, SignsWhatOpenSslVerifies) {
  EVP_PKEY* key = GetParam().key();
  const Json header = {{"typ", "JWT"}, {"x5t", "abc"}};
  const Json payload = {{"iss", "client"}, {"exp", 1767323645}, {"sub", "\xc3\xa4"}};
  const auto jws = SignerOf(GetParam().algorithm, key).Sign(header, payload);
  ASSERT_TRUE(jws.ok()) << jws.status();
  const DecodedJws decoded = DecodeJws(GetParam().algorithm, key, *jws);
  EXPECT_TRUE(decoded.valid);
  const Json expected_header = {{"alg", GetParam().name}, {"typ", "JWT"}, {"x5t", "abc"}};
  EXPECT_EQ(decoded.header, expected_header);
  EXPECT_EQ(decoded.payload, payload);
  EXPECT_THAT(*jws, Not(HasSubstr("=")));

  std::string other = *jws;
  other[other.find('.') + 2] ^= 1;
  EXPECT_FALSE(DecodeJws(GetParam().algorithm, key, other).valid);
}

INSTANTIATE_TEST_SUITE_P(
    All, JwtSignerAlgorithms,
    ::testing::Values(AlgorithmCase{JwsAlgorithm::kPs256, "PS256", [] { return RsaKey(); }},
                      AlgorithmCase{JwsAlgorithm::kRs256, "RS256", [] { return RsaKey(); }},
                      AlgorithmCase{JwsAlgorithm::kEs256, "ES256", [] { return EcKey(); }}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

TEST(JwtSigner, WritesDeterministicJsonAndItsOwnAlgorithm) {
  const Json header = {{"typ", "JWT"}, {"alg", "none"}};
  const Json payload = {{"b", 2}, {"a", Json::array({1, "x"})}};
  const auto jws = SignerOf(JwsAlgorithm::kRs256, RsaKey()).Sign(header, payload);
  ASSERT_TRUE(jws.ok());
  const std::vector<std::string> parts = absl::StrSplit(*jws, '.');
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(FromBase64Url(parts[0]), R"({"alg":"RS256","typ":"JWT"})");
  EXPECT_EQ(FromBase64Url(parts[1]), R"({"a":[1,"x"],"b":2})");
}

TEST(JwtSigner, RefusesAKeyOfTheWrongType) {
  const auto rsa = PrivateKey::FromPem(Secret(KeyPem(RsaKey()))).value();
  const auto ec = PrivateKey::FromPem(Secret(KeyPem(EcKey()))).value();
  for (const auto& refused : {JwtSigner::Create(JwsAlgorithm::kEs256, rsa).status(),
                              JwtSigner::Create(JwsAlgorithm::kPs256, ec).status(),
                              JwtSigner::Create(JwsAlgorithm::kRs256, ec).status()}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(refused.message()), HasSubstr("needs an"));
  }
}

TEST(JwtSigner, RefusesWhatIsNoJsonTextWithoutQuotingIt) {
  const JwtSigner signer = SignerOf(JwsAlgorithm::kEs256, EcKey());
  const Json object = Json::object();
  const Json not_utf8 = {{"iss", "canary\xff"}};
  for (const auto& refused :
       {signer.Sign(object, not_utf8).status(), signer.Sign(not_utf8, object).status(),
        signer.Sign(object, Json("canary")).status(),
        signer.Sign(Json::array(), object).status()}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(refused.ToString(), Not(HasSubstr("canary")));
  }
}

}  // namespace
}  // namespace tokensvc
