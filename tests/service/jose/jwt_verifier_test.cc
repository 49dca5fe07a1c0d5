// SPDX-License-Identifier: Apache-2.0
#include "service/jose/jwt_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <functional>

#include "absl/strings/str_replace.h"
#include "tests/service/jose/jwt_testing.h"
#include "tests/service/jose/rfc7515_vectors.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::tokensvc::testing::EcKey;
using ::tokensvc::testing::FakeClock;
using ::tokensvc::testing::GoodClaims;
using ::tokensvc::testing::GoodToken;
using ::tokensvc::testing::JwkOf;
using ::tokensvc::testing::JwkSetOf;
using ::tokensvc::testing::RsaKey;
using ::tokensvc::testing::SignRaw;

constexpr char kTenant[] = "72f988bf-86f1-41af-91ab-2d7cd011db47";
constexpr char kOtherTenant[] = "9188040d-6c67-4c5b-b112-36a304b66dad";
constexpr char kTemplate[] = "https://login.example/{tenantid}/v2.0";

JwtProfile Profile() {
  JwtProfile profile;
  profile.issuer = testing::kTestIssuer;
  profile.audiences = {"other", testing::kTestAudience};
  return profile;
}

JwkSet Keys() { return JwkSetOf({JwkOf(RsaKey(), "rsa"), JwkOf(EcKey(), "ec")}); }

/// "ok", or the name of the refusal.
std::string Verdict(absl::string_view token, const JwtProfile& profile = Profile(),
                    const JwkSet& keys = Keys(), absl::Time now = FakeClock::Start()) {
  const auto claims = JwtVerifier::Create(profile).value().Verify(token, keys, now);
  return claims.ok() ? "ok" : std::string(JwtRefusalName(claims.error()));
}

std::string RawHeader(absl::string_view header, absl::string_view payload = GoodClaims().dump()) {
  return SignRaw(JwsAlgorithm::kEs256, EcKey(), header, payload);
}

std::string WithHeader(const Json& more) {
  Json header = {{"alg", "ES256"}, {"kid", "ec"}};
  header.update(more);
  return RawHeader(header.dump());
}

std::string RawClaims(absl::string_view payload) {
  return RawHeader(R"({"alg":"ES256","kid":"ec"})", payload);
}

std::string WithClaims(const Json& more) {
  Json claims = GoodClaims();
  claims.update(more);
  for (const auto& [name, value] : more.items()) {
    if (value.is_null()) claims.erase(name);
  }
  return RawClaims(claims.dump());
}

std::int64_t Seconds(absl::Duration from_now) {
  return absl::ToUnixSeconds(FakeClock::Start() + from_now);
}

TEST(JwtVerifier, TakesTokensOfEveryAlgorithm) {
  EXPECT_EQ(Verdict(GoodToken(RsaKey(), "rsa")), "ok");
  EXPECT_EQ(Verdict(GoodToken(EcKey(), "ec")), "ok");
  EXPECT_EQ(Verdict(SignRaw(JwsAlgorithm::kPs256, RsaKey(), R"({"alg":"PS256","kid":"rsa"})",
                            GoodClaims().dump())),
            "ok");
}

TEST(JwtVerifier, ReadsTheClaims) {
  Json payload = GoodClaims();
  payload.update({{"aud", {"a", testing::kTestAudience}},
                  {"jti", "id"},
                  {"tid", kTenant},
                  {"oid", "object"},
                  {"azp", "client"},
                  {"idtyp", "app"},
                  {"acr", "1"},
                  {"scp", "read write"},
                  {"roles", {"admin"}}});
  const auto claims = JwtVerifier::Create(Profile()).value().Verify(RawClaims(payload.dump()),
                                                                    Keys(), FakeClock::Start());
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->issuer, testing::kTestIssuer);
  EXPECT_EQ(claims->subject, "orders");
  EXPECT_THAT(claims->audiences, ElementsAre("a", testing::kTestAudience));
  EXPECT_EQ(claims->expires_at, FakeClock::Start() + absl::Hours(1));
  EXPECT_EQ(claims->issued_at, FakeClock::Start());
  EXPECT_EQ(claims->not_before, FakeClock::Start());
  EXPECT_EQ(claims->id, "id");
  EXPECT_EQ(claims->tenant_id, kTenant);
  EXPECT_EQ(claims->object_id, "object");
  EXPECT_EQ(claims->authorized_party, "client");
  EXPECT_EQ(claims->identity_type, "app");
  EXPECT_EQ(claims->authentication, "1");
  EXPECT_THAT(claims->scopes, ElementsAre("read", "write"));
  EXPECT_THAT(claims->roles, ElementsAre("admin"));
}

TEST(JwtVerifier, FurtherClaimsOfUnusualTypesCountAsAbsent) {
  Json payload = GoodClaims();
  payload.update({{"tid", 1},
                  {"oid", {"a"}},
                  {"azp", nullptr},
                  {"appid", "other"},
                  {"scp", 5},
                  {"roles", {"a", 7}},
                  {"acr", "a\nb"},
                  {"idtyp", true}});
  const auto claims = JwtVerifier::Create(Profile()).value().Verify(
      RawHeader(R"({"alg":"ES256","kid":"ec"})", payload.dump()), Keys(), FakeClock::Start());
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->tenant_id + claims->object_id + claims->authorized_party +
                claims->authentication + claims->identity_type,
            "");
  EXPECT_THAT(claims->scopes, IsEmpty());
  EXPECT_THAT(claims->roles, IsEmpty());
}

TEST(JwtVerifier, NoneIsNeverAnAlgorithm) {
  const std::string payload = Base64Url(GoodClaims().dump());
  for (const char* name : {"none", "None", "NONE", "nOnE", "", "hs256", "es256", "ES256 ", "HS256",
                           "ES384", "RS1", "dir", "EdDSA"}) {
    const std::string header = Base64Url(Json({{"alg", name}, {"kid", "ec"}}).dump());
    EXPECT_NE(Verdict(absl::StrCat(header, ".", payload, ".")), "ok") << name;
    EXPECT_EQ(Verdict(absl::StrCat(header, ".", payload, ".AAAA")), "algorithm") << name;
    EXPECT_EQ(Verdict(WithHeader(Json{{"alg", name}})), "algorithm") << name;
  }
  EXPECT_EQ(Verdict(RawHeader(R"({"kid":"ec"})")), "algorithm");
  EXPECT_EQ(Verdict(RawHeader(R"({"alg":["ES256"],"kid":"ec"})")), "algorithm");
  EXPECT_EQ(Verdict(RawHeader(R"({"alg":null,"kid":"ec"})")), "algorithm");
}

TEST(JwtVerifier, APublicKeyIsNoHmacSecret) {
  const SslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PUBKEY(bio.get(), RsaKey());
  const std::string pem = testing::TakeText(bio.get());
  const std::string input = absl::StrCat(Base64Url(R"({"alg":"HS256","kid":"rsa"})"), ".",
                                         Base64Url(GoodClaims().dump()));
  unsigned char mac[32];
  unsigned int size = 0;
  HMAC(EVP_sha256(), pem.data(), static_cast<int>(pem.size()),
       reinterpret_cast<const unsigned char*>(input.data()), input.size(), mac, &size);
  const std::string signature(reinterpret_cast<char*>(mac), size);
  EXPECT_EQ(Verdict(absl::StrCat(input, ".", Base64Url(signature))), "algorithm");
}

TEST(JwtVerifier, KeyTypeAndTheKeysOwnAlgorithmMustFit) {
  const std::string payload = GoodClaims().dump();
  // Signed by the RSA key, and named after the EC key; and the other way round.
  EXPECT_EQ(
      Verdict(SignRaw(JwsAlgorithm::kRs256, RsaKey(), R"({"alg":"RS256","kid":"ec"})", payload)),
      "unknown_key");
  EXPECT_EQ(Verdict(RawHeader(R"({"alg":"ES256","kid":"rsa"})")), "unknown_key");
  // One scheme of RSA is not the other.
  EXPECT_EQ(
      Verdict(SignRaw(JwsAlgorithm::kRs256, RsaKey(), R"({"alg":"PS256","kid":"rsa"})", payload)),
      "signature");
  const JwkSet ps = JwkSetOf({JwkOf(RsaKey(), "rsa", {{"alg", "PS256"}})});
  EXPECT_EQ(Verdict(GoodToken(RsaKey(), "rsa"), Profile(), ps), "unknown_key");
}

TEST(JwtVerifier, TheIssuersListOfAlgorithmsDecides) {
  JwtProfile profile = Profile();
  profile.algorithms = {JwsAlgorithm::kPs256, JwsAlgorithm::kEs256};
  EXPECT_EQ(Verdict(GoodToken(RsaKey(), "rsa"), profile), "algorithm");
  EXPECT_EQ(Verdict(GoodToken(EcKey(), "ec"), profile), "ok");
}

TEST(JwtVerifier, ATokenCannotBringItsKey) {
  // The attacker's own key, offered in every way that JWS knows, under a good and a new name.
  EVP_PKEY* attacker = RsaKey(1);
  for (const char* kid : {"rsa", "new"}) {
    for (const Json& offer :
         {Json{{"jwk", JwkOf(attacker, kid)}}, Json{{"jku", "https://attacker.example/keys"}},
          Json{{"x5u", "https://attacker.example/x5u"}}, Json{{"x5c", {"MIIB"}}},
          Json{{"x5t", "AAAA"}}}) {
      Json header = {{"alg", "RS256"}, {"kid", kid}};
      header.update(offer);
      const std::string token =
          SignRaw(JwsAlgorithm::kRs256, attacker, header.dump(), GoodClaims().dump());
      EXPECT_EQ(Verdict(token), kid == std::string("rsa") ? "signature" : "unknown_key") << offer;
    }
  }
  // Some issuers send them along; they change nothing.
  EXPECT_EQ(Verdict(WithHeader(Json{{"jku", "https://issuer.example/keys"}})), "ok");
}

TEST(JwtVerifier, WithoutAKidExactlyOneKeyMustFit) {
  const std::string token = RawHeader(R"({"alg":"ES256"})");
  EXPECT_EQ(Verdict(token), "ok");
  const SslPtr<EVP_PKEY> another(EVP_EC_gen("P-256"));
  EXPECT_EQ(
      Verdict(token, Profile(), JwkSetOf({JwkOf(EcKey(), "ec"), JwkOf(another.get(), "second")})),
      "ambiguous_key");
  EXPECT_EQ(Verdict(token, Profile(), JwkSetOf({JwkOf(RsaKey(), "rsa")})), "unknown_key");
  EXPECT_EQ(Verdict(GoodToken(EcKey(), "ec"), Profile(),
                    JwkSetOf({JwkOf(EcKey(), "ec"), JwkOf(another.get(), "ec")})),
            "ambiguous_key");
}

TEST(JwtVerifier, StrangeKidsAreRefused) {
  for (const Json& kid :
       {Json(1), Json(nullptr), Json(""), Json::array({"ec"}), Json(std::string("ec\0", 3)),
        Json("ec\n"), Json(std::string(1025, 'k'))}) {
    EXPECT_EQ(Verdict(WithHeader(Json{{"kid", kid}})), "header") << kid;
  }
  for (const char* kid : {"../../etc/passwd", "ec' OR 1=1", "EC"}) {
    EXPECT_EQ(Verdict(WithHeader(Json{{"kid", kid}})), "unknown_key") << kid;
  }
}

TEST(JwtVerifier, NoCriticalExtensionIsUnderstood) {
  for (const Json& crit :
       {Json::array({"b64"}), Json::array({"exp"}), Json::array(), Json("exp"), Json(nullptr)}) {
    EXPECT_EQ(Verdict(WithHeader(Json{{"crit", crit}, {"b64", false}})), "header") << crit;
  }
}

TEST(JwtVerifier, TypesOfOtherTokensAreRefused) {
  for (const char* typ : {"JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"}) {
    EXPECT_EQ(Verdict(WithHeader(Json{{"typ", typ}})), "ok") << typ;
  }
  for (const char* typ : {"dpop+jwt", "logout+jwt", "secevent+jwt", "JWE", "application/x"}) {
    EXPECT_EQ(Verdict(WithHeader(Json{{"typ", typ}})), "type") << typ;
  }
  for (const Json& typ : {Json(1), Json(""), Json("application/"), Json(nullptr)}) {
    EXPECT_EQ(Verdict(WithHeader(Json{{"typ", typ}})), "header") << typ;
  }
  JwtProfile profile = Profile();
  profile.types = {"at+jwt"};
  EXPECT_EQ(Verdict(RawHeader(R"({"alg":"ES256"})"), profile), "type");
}

TEST(JwtVerifier, OnlyOneSpellingOfATokenIsTaken) {
  const std::string token = GoodToken(EcKey(), "ec");
  const std::size_t first = token.find('.'), second = token.rfind('.');
  std::vector<std::string> variants = {
      token + "=",           token + "==", token + ".",
      token + " ",           " " + token,  token + "\n",
      "Bearer " + token,     "." + token,  token + std::string(1, '\0'),
      "\xef\xbb\xbf" + token};
  for (const std::size_t at : {first, second}) {
    for (const char* extra : {"=", "==", " ", "\n", "+", "."}) {
      variants.push_back(std::string(token).insert(at, extra));
    }
  }
  // An ES256 signature has 4 bits to spare in its last letter.
  std::string spare = token;
  spare.back() = static_cast<char>(spare.back() + 1);
  variants.push_back(spare);
  variants.push_back(absl::StrReplaceAll(token, {{".", ".."}}));
  variants.push_back(absl::StrReplaceAll(token, {{".", "%2e"}}));
  for (const std::string& variant : variants) EXPECT_EQ(Verdict(variant), "malformed") << variant;
  // Canonical, but more than a signature has.
  EXPECT_EQ(Verdict(token + "AA"), "signature");
  EXPECT_EQ(Verdict(""), "malformed");
  EXPECT_EQ(Verdict("."), "malformed");
  EXPECT_EQ(Verdict(".."), "malformed");
  EXPECT_EQ(Verdict(token.substr(0, second)), "malformed");
  EXPECT_EQ(Verdict(token.substr(0, second + 1)), "malformed");
}

TEST(JwtVerifier, EveryChangedLetterOfTheSignedPartIsNoticed) {
  const std::string token = GoodToken(EcKey(), "ec");
  const JwtVerifier verifier = JwtVerifier::Create(Profile()).value();
  const JwkSet keys = Keys();
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verifier.Verify(changed, keys, FakeClock::Start()).ok()) << i;
  }
}

TEST(JwtVerifier, SizesAreCheckedBeforeAnythingIsRead) {
  EXPECT_EQ(Verdict(std::string(kMaxJwtBytes + 1, '.')), "too_large");
  EXPECT_EQ(Verdict(std::string(kMaxJwtHeaderBytes + 1, 'A') + ".e30.AAAA"), "too_large");
  EXPECT_EQ(Verdict(WithHeader(Json{{"x", std::string(4000, 'x')}})), "too_large");
  EXPECT_EQ(Verdict(WithClaims(Json{{"x", std::string(20000, 'x')}})), "too_large");
  EXPECT_EQ(Verdict(WithClaims(Json{{"x", std::string(9000, 'x')}})), "ok");
  EXPECT_EQ(Verdict("e30.e30." + std::string(2000, 'A')), "algorithm");
  EXPECT_EQ(Verdict(Base64Url(R"({"alg":"ES256"})") + ".e30." + std::string(2000, 'A')),
            "malformed");
}

TEST(JwtVerifier, OnlyStrictJsonIsTaken) {
  const std::string claims = GoodClaims().dump();
  const std::string open = claims.substr(0, claims.size() - 1);
  for (const std::string& payload :
       {std::string(),
        std::string("[]"),
        std::string("null"),
        std::string("1"),
        open,
        claims + "x",
        claims + std::string(1, '\0'),

        open + R"(,"sub":"admin"})",
        open + R"(,"s\u0075b":"admin"})",
        open + R"(,"x":1e400})",
        open + R"(,"x":-1e400})",
        open + R"(,"x":NaN})",
        open + R"(,"x":01})",
        open + ",}",
        open + ",\"x\":\"\xff\"}",
        open + R"(,"x":"\ud800"})",
        open + "/**/}",
        open + ",\"x\":" + std::string(3000, '[') + std::string(3000, ']') + "}",
        open + ",\"x\":" + std::string(5000, '[') + "}",
        open + R"(,"x":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}})"}) {
    EXPECT_EQ(Verdict(RawClaims(payload)), "malformed") << payload.substr(0, 200);
  }
  std::string members;
  for (int i = 0; i < 1100; ++i) absl::StrAppend(&members, ",\"", i, "\":[0]");
  EXPECT_EQ(Verdict(RawClaims(open + members + "}")), "malformed");
  for (const char* header :
       {"", "[]", "null", R"({"alg":"ES256","alg":"ES256"})", R"({"alg":"none","alg":"ES256"})",
        R"({"alg":"ES256"}{)", R"({"alg":"ES256","x":[[[[[]]]]]})"}) {
    EXPECT_EQ(Verdict(RawHeader(header)), "malformed") << header;
  }
}

TEST(JwtVerifier, TimesAreIntegersInRange) {
  EXPECT_EQ(Verdict(WithClaims(Json{{"exp", nullptr}})), "times");
  for (const char* name : {"exp", "nbf", "iat"}) {
    for (const char* value :
         {"\"1767326645\"", "-1", "1767326645.5", "1.7673266e9", "1e300", "253402300800",
          "18446744073709551615", "99999999999999999999", "true", "[]", "{}", "\"\"", "-0.0"}) {
      Json claims = GoodClaims();
      claims.erase(name);
      std::string payload = claims.dump();
      payload.back() = ',';
      absl::StrAppend(&payload, "\"", name, "\":", value, "}");
      EXPECT_EQ(Verdict(RawClaims(payload)), "times") << name << value;
    }
  }
  Json null_exp = GoodClaims();
  null_exp["exp"] = nullptr;
  EXPECT_EQ(Verdict(RawClaims(null_exp.dump())), "times");
}

TEST(JwtVerifier, HoldsToTheTimes) {
  EXPECT_EQ(Verdict(WithClaims(Json{{"exp", Seconds(absl::Seconds(1))}})), "ok");
  EXPECT_EQ(Verdict(WithClaims(Json{{"exp", Seconds(absl::ZeroDuration())}})), "expired");
  EXPECT_EQ(Verdict(WithClaims(Json{{"exp", 0}})), "expired");
  for (const char* name : {"nbf", "iat"}) {
    EXPECT_EQ(Verdict(WithClaims(Json{{name, Seconds(absl::Seconds(60))}})), "ok") << name;
    EXPECT_EQ(Verdict(WithClaims(Json{{name, Seconds(absl::Seconds(61))}})), "not_yet_valid");
    EXPECT_EQ(Verdict(WithClaims(Json{{name, nullptr}})), "ok") << name;
  }
}

TEST(JwtVerifier, NoTokenLivesLongerThanAllowed) {
  JwtProfile profile = Profile();
  profile.max_lifetime = absl::Hours(1);
  const auto verdict = [&profile](const Json& more) { return Verdict(WithClaims(more), profile); };
  EXPECT_EQ(verdict(Json::object()), "ok");
  EXPECT_EQ(verdict({{"exp", Seconds(absl::Seconds(3601))}}), "lifetime");
  EXPECT_EQ(verdict({{"iat", Seconds(-absl::Seconds(1))}}), "lifetime");
  EXPECT_EQ(verdict({{"iat", nullptr}}), "ok");
  EXPECT_EQ(verdict({{"iat", nullptr}, {"nbf", Seconds(-absl::Seconds(1))}}), "lifetime");
  EXPECT_EQ(verdict({{"iat", nullptr}, {"nbf", nullptr}, {"exp", 253402300799}}), "lifetime");
}

TEST(JwtVerifier, IssuerAudienceAndSubjectMustBeRight) {
  for (const Json& iss :
       {Json("https://issuer.example/"), Json("https://ISSUER.example"), Json(""), Json(1),
        Json::array({testing::kTestIssuer}), Json(std::string("https://issuer.example\0", 23))}) {
    EXPECT_EQ(Verdict(WithClaims(Json{{"iss", iss}})), "issuer") << iss;
  }
  EXPECT_EQ(Verdict(WithClaims(Json{{"iss", nullptr}})), "issuer");
  EXPECT_EQ(Verdict(WithClaims(Json{{"aud", Json::array({"x", testing::kTestAudience})}})), "ok");
  for (const Json& aud :
       {Json("TOKENSVC"), Json(""), Json(1), Json::array(), Json::object(),
        Json::array({testing::kTestAudience, 1}),
        Json::array({Json::array({testing::kTestAudience})}), Json("tokensvc other"),
        Json(std::vector<std::string>(65, testing::kTestAudience))}) {
    EXPECT_EQ(Verdict(WithClaims(Json{{"aud", aud}})), "audience") << aud;
  }
  EXPECT_EQ(Verdict(WithClaims(Json{{"aud", nullptr}})), "audience");
  for (const Json& sub :
       {Json(""), Json(1), Json::array({"orders"}), Json(std::string("a\0b", 3)), Json("a\nb"),
        Json("a\x7f"), Json("a\xc2\x85"), Json(std::string(1025, 's'))}) {
    EXPECT_EQ(Verdict(WithClaims(Json{{"sub", sub}})), "subject") << sub;
  }
  EXPECT_EQ(Verdict(WithClaims(Json{{"sub", nullptr}})), "subject");
  EXPECT_EQ(Verdict(WithClaims(Json{{"sub", "J\xc3\xb6rg \xc2\xa0"}})), "ok");
  EXPECT_EQ(Verdict(WithClaims(Json{{"jti", 7}})), "malformed");
  JwtProfile profile = Profile();
  profile.subject_required = false;
  EXPECT_EQ(Verdict(WithClaims(Json{{"sub", nullptr}}), profile), "ok");
}

TEST(JwtVerifier, ATemplatedIssuerTakesItsTenantFromTid) {
  JwtProfile profile = Profile();
  profile.issuer = kTemplate;
  const auto verdict = [&profile](const std::string& tenant, const Json& tid) {
    return Verdict(
        WithClaims(
            Json{{"iss", absl::StrReplaceAll(kTemplate, {{"{tenantid}", tenant}})}, {"tid", tid}}),
        profile);
  };
  EXPECT_EQ(verdict(kTenant, kTenant), "ok");
  EXPECT_EQ(verdict(kTenant, kOtherTenant), "issuer");
  EXPECT_EQ(verdict("{tenantid}", kTenant), "issuer");
  EXPECT_EQ(verdict("", kTenant), "issuer");
  EXPECT_EQ(verdict(kTenant, nullptr), "tenant");
  for (const char* odd : {"{tenantid}", "common", "a/../b", "x"}) {
    EXPECT_EQ(verdict(odd, odd), "tenant") << odd;
  }
  profile.tenants = {kOtherTenant};
  EXPECT_EQ(verdict(kTenant, kTenant), "tenant");
  EXPECT_EQ(verdict(kOtherTenant, kOtherTenant), "ok");
  profile.issuer = "https://login.example/{tenantid}/{tenantid}";
  EXPECT_FALSE(JwtVerifier::Create(profile).ok());
}

TEST(JwtVerifier, AKeyOfOneTenantSignsForThatTenantOnly) {
  JwtProfile profile = Profile();
  profile.issuer = kTemplate;
  const auto verdict = [&profile](absl::string_view key_issuer) {
    const std::string issuer = absl::StrReplaceAll(kTemplate, {{"{tenantid}", kTenant}});
    const JwkSet keys = JwkSetOf({JwkOf(EcKey(), "ec", {{"issuer", std::string(key_issuer)}})});
    return Verdict(WithClaims(Json{{"iss", issuer}, {"tid", kTenant}}), profile, keys);
  };
  EXPECT_EQ(verdict(kTemplate), "ok");
  EXPECT_EQ(verdict(absl::StrReplaceAll(kTemplate, {{"{tenantid}", kTenant}})), "ok");
  EXPECT_EQ(verdict(absl::StrReplaceAll(kTemplate, {{"{tenantid}", kOtherTenant}})), "unknown_key");
}

TEST(JwtVerifier, AProfileThatWouldTakeEverythingIsRefused) {
  const std::vector<std::function<void(JwtProfile&)>> changes = {
      [](JwtProfile& p) { p.issuer.clear(); }, [](JwtProfile& p) { p.audiences.clear(); },
      [](JwtProfile& p) { p.algorithms.clear(); }, [](JwtProfile& p) { p.types.clear(); }};
  for (const auto& change : changes) {
    JwtProfile profile = Profile();
    change(profile);
    EXPECT_FALSE(JwtVerifier::Create(profile).ok());
  }
}

}  // namespace
}  // namespace tokensvc
