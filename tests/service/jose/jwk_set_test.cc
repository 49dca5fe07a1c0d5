// SPDX-License-Identifier: Apache-2.0
#include "service/jose/jwk_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/service/jose/jwt_testing.h"
#include "tests/service/jose/rfc7515_vectors.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::tokensvc::testing::EcKey;
using ::tokensvc::testing::FromBase64Url;
using ::tokensvc::testing::JwkOf;
using ::tokensvc::testing::JwkSetOf;
using ::tokensvc::testing::JwkSetText;
using ::tokensvc::testing::RsaKey;

// A set with one good key and `other` is read; whether `other` is among its keys.
bool IsTaken(const Json& other) {
  const JwkSet set = JwkSetOf({JwkOf(EcKey(), "good"), other});
  EXPECT_EQ(set.keys().size() + set.skipped(), 2u);
  return set.keys().size() == 2;
}

TEST(JwkSet, VerifiesTheSignaturesOfRfc7515AppendixA) {
  const JwkSet set =
      JwkSetOf({{{"kty", "RSA"}, {"kid", "a2"}, {"n", testing::kA2N}, {"e", testing::kA2E}},
                {{"kty", "EC"},
                 {"kid", "a3"},
                 {"crv", "P-256"},
                 {"x", testing::kA3X},
                 {"y", testing::kA3Y}}});
  ASSERT_THAT(set.keys(), SizeIs(2));
  const std::string rsa = FromBase64Url(testing::kA2Signature);
  const std::string ec = FromBase64Url(testing::kA3Signature);
  const PublicKey& a2 = set.keys()[0].key;
  const PublicKey& a3 = set.keys()[1].key;
  EXPECT_TRUE(a2.Verifies(JwsAlgorithm::kRs256, testing::kA2SigningInput, rsa));
  EXPECT_TRUE(a3.Verifies(JwsAlgorithm::kEs256, testing::kA3SigningInput, ec));
  EXPECT_FALSE(a2.Verifies(JwsAlgorithm::kPs256, testing::kA2SigningInput, rsa));
  EXPECT_FALSE(a2.Verifies(JwsAlgorithm::kEs256, testing::kA3SigningInput, ec));
  EXPECT_FALSE(a3.Verifies(JwsAlgorithm::kRs256, testing::kA2SigningInput, rsa));
  EXPECT_FALSE(a2.Verifies(JwsAlgorithm::kRs256, testing::kA3SigningInput, rsa));
  EXPECT_FALSE(a2.Verifies(JwsAlgorithm::kRs256, testing::kA2SigningInput, rsa + '\0'));
  EXPECT_FALSE(a3.Verifies(JwsAlgorithm::kEs256, testing::kA3SigningInput, ec + '\0'));
  EXPECT_FALSE(a3.Verifies(JwsAlgorithm::kEs256, testing::kA3SigningInput, ""));
}

// CVE-2022-21449: zeros verify under any key where nobody checks the range.
TEST(JwkSet, NoSignatureOfZerosOrBeyondTheOrderIsTaken) {
  const JwkSet set = JwkSetOf({JwkOf(EcKey(), "ec"), JwkOf(RsaKey(), "rsa")});
  const PublicKey& ec = set.keys()[0].key;
  for (const char byte : {'\0', '\xff'}) {
    EXPECT_FALSE(ec.Verifies(JwsAlgorithm::kEs256, "x", std::string(64, byte)));
    EXPECT_FALSE(set.keys()[1].key.Verifies(JwsAlgorithm::kRs256, "x", std::string(256, byte)));
    EXPECT_FALSE(set.keys()[1].key.Verifies(JwsAlgorithm::kPs256, "x", std::string(256, byte)));
  }
}

TEST(JwkSet, HonoursUseKeyOpsAndAlg) {
  EVP_PKEY* rsa = RsaKey();
  EXPECT_TRUE(IsTaken(JwkOf(rsa, "k")));
  EXPECT_TRUE(
      IsTaken(JwkOf(rsa, "k", {{"use", "sig"}, {"key_ops", {"verify"}}, {"alg", "PS256"}})));
  for (const Json& more :
       {Json{{"use", "enc"}}, Json{{"use", ""}}, Json{{"use", 1}}, Json{{"use", nullptr}},
        Json{{"key_ops", Json::array()}}, Json{{"key_ops", {"encrypt", "wrapKey"}}},
        Json{{"key_ops", "verify"}}, Json{{"alg", "RSA-OAEP"}}, Json{{"alg", "HS256"}},
        Json{{"alg", "none"}}, Json{{"alg", "ES256"}}, Json{{"alg", 256}}, Json{{"kid", 1}},
        Json{{"kid", ""}}, Json{{"kid", "a\nb"}}, Json{{"kid", std::string(1025, 'k')}}}) {
    EXPECT_FALSE(IsTaken(JwkOf(rsa, "k", more))) << more;
  }
}

TEST(JwkSet, PassesOverSecretsAndStrangeTypes) {
  EXPECT_FALSE(IsTaken({{"kty", "oct"}, {"kid", "k"}, {"k", "c2VjcmV0"}}));
  EXPECT_FALSE(IsTaken({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", "AA"}}));
  EXPECT_FALSE(IsTaken({{"kty", "rsa"}}));
  EXPECT_FALSE(IsTaken({{"x5u", "https://keys.example/a"}}));
  EXPECT_FALSE(IsTaken(Json("text")));
  EXPECT_FALSE(IsTaken(Json::array()));
  for (const char* name : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    EXPECT_FALSE(IsTaken(JwkOf(RsaKey(), "k", {{name, "AQAB"}}))) << name;
  }
}

TEST(JwkSet, PassesOverKeysOfBadSizesAndShapes) {
  const std::string good_n = JwkOf(RsaKey(), "k")["n"];
  const std::string bytes = FromBase64Url(good_n);
  std::string even = bytes;
  even.back() = static_cast<char>(even.back() & ~1);
  std::string long_n(1025, '\xff');
  for (const std::string& n :
       {good_n + "=", std::string("AQAB"), Base64Url(bytes.substr(128)), Base64Url('\0' + bytes),
        Base64Url(even), Base64Url(long_n), std::string(60000, 'A'), std::string()}) {
    EXPECT_FALSE(IsTaken(JwkOf(RsaKey(), "k", {{"n", n}}))) << n.substr(0, 16);
  }
  for (const std::string& e :
       {std::string("\x01", 1), std::string("\x03", 1), std::string("\x01\0\0", 3),
        std::string("\0\x01\0\x01", 4), std::string(5, '\x01')}) {
    EXPECT_FALSE(IsTaken(JwkOf(RsaKey(), "k", {{"e", Base64Url(e)}}))) << e.size();
  }
  const std::string x = JwkOf(EcKey(), "k")["x"];
  for (const Json& more : {Json{{"x", Base64Url(FromBase64Url(x).substr(1))}},
                           Json{{"x", Base64Url(std::string(32, '\x01'))}},
                           Json{{"x", Base64Url(std::string(32, '\xff'))}}, Json{{"crv", "P-384"}},
                           Json{{"crv", "secp256k1"}}, Json{{"y", 7}}, Json{{"crv", nullptr}}}) {
    EXPECT_FALSE(IsTaken(JwkOf(EcKey(), "k", more))) << more;
  }
}

TEST(JwkSet, RefusesWhatIsNoSetWithoutQuotingIt) {
  const std::string key = JwkOf(EcKey(), "k").dump();
  const std::vector<Json> many(65, JwkOf(EcKey(), "k"));
  for (const std::string& text :
       {std::string(), std::string("canary"), std::string("[]"), std::string("{}"),
        std::string(R"({"keys":{}})"), std::string(R"({"keys":[]})"),
        std::string(R"({"keys":["canary"]})"), R"({"keys":[)" + key + R"(],"keys":[]})",
        R"({"keys":[)" + key + "]}canary", R"({"keys":[)" + key + "," + R"({"a":1,"a":2}]})",
        JwkSetText(many), R"({"keys":[)" + key + R"(],"x":")" + std::string(70000, 'x') + "\"}",
        R"({"keys":[)" + key + R"(],"x":)" + std::string(100, '[') + std::string(100, ']') + "}"}) {
    const auto refused = JwkSet::Parse(text);
    ASSERT_FALSE(refused.ok()) << text.substr(0, 80);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(refused.status().ToString(), Not(HasSubstr("canary")));
  }
}

TEST(JwkSet, FindsTheOneKeyThatIsMeantAndNeverGuesses) {
  const Json first = JwkOf(RsaKey(0), "same"), second = JwkOf(RsaKey(1), "same");
  const JwkSet set =
      JwkSetOf({first, second, JwkOf(EcKey(), "same"), JwkOf(RsaKey(0), "ps", {{"alg", "PS256"}})});
  EXPECT_TRUE(set.Find("same", JwsAlgorithm::kRs256).ambiguous);
  EXPECT_EQ(set.Find("same", JwsAlgorithm::kRs256).key, nullptr);
  // Types tell apart what has one name.
  EXPECT_EQ(set.Find("same", JwsAlgorithm::kEs256).key, &set.keys()[2]);
  EXPECT_EQ(set.Find("ps", JwsAlgorithm::kPs256).key, &set.keys()[3]);
  EXPECT_EQ(set.Find("ps", JwsAlgorithm::kRs256).key, nullptr);
  EXPECT_FALSE(set.Find("ps", JwsAlgorithm::kRs256).ambiguous);
  EXPECT_EQ(set.Find("SAME", JwsAlgorithm::kEs256).key, nullptr);
  EXPECT_EQ(set.Find(std::nullopt, JwsAlgorithm::kEs256).key, &set.keys()[2]);
  EXPECT_TRUE(set.Find(std::nullopt, JwsAlgorithm::kRs256).ambiguous);
}

TEST(JwkSet, TheSameKeyTwiceIsOneKey) {
  const Json key = JwkOf(RsaKey(), "k");
  const JwkSet set = JwkSetOf({key, key});
  EXPECT_THAT(set.keys(), SizeIs(1));
  EXPECT_NE(set.Find("k", JwsAlgorithm::kRs256).key, nullptr);
}

TEST(JwkSet, DigestsTellSetsApart) {
  const JwkSet set = JwkSetOf({JwkOf(EcKey(), "k")});
  EXPECT_EQ(set.digest(), JwkSetOf({JwkOf(EcKey(), "k")}).digest());
  EXPECT_NE(set.digest(), JwkSetOf({JwkOf(EcKey(), "other")}).digest());
}

}  // namespace
}  // namespace tokensvc
