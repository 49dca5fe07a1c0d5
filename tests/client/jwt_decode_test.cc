// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/jwt_decode.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc::tokenctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Encode(absl::string_view text) { return absl::WebSafeBase64Escape(text); }

std::string Jwt(absl::string_view header, absl::string_view claims) {
  return absl::StrCat(Encode(header), ".", Encode(claims), ".", Encode("signature"));
}

constexpr char kHeader[] = R"({"alg":"RS256"})";

TEST(DecodeJwtUnverified, ReadsHeaderAndClaims) {
  const auto jwt = DecodeJwtUnverified(Jwt(kHeader, R"({"iss":"https://a.example","exp":1})"));
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(jwt->header["alg"], "RS256");
  EXPECT_EQ(jwt->claims["iss"], "https://a.example");
  EXPECT_EQ(jwt->signature_chars, 12U);
}

TEST(DecodeJwtUnverified, ReadsTheExampleOfRfc7519) {
  const auto jwt = DecodeJwtUnverified(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(jwt->claims["http://example.com/is_root"], true);
}

TEST(DecodeJwtUnverified, ReadsAnUnsecuredJwtToo) {
  EXPECT_TRUE(DecodeJwtUnverified(Encode(R"({"alg":"none"})") + "." + Encode("{}") + ".").ok());
}

TEST(DecodeJwtUnverified, RefusesWhatIsNoJwtWithoutRepeatingIt) {
  const std::string deep =
      absl::StrCat(R"({"a":)", std::string(5000, '['), std::string(5000, ']'), "}");
  const std::string cases[] = {
      "",
      "opaque",
      "..",
      "a.b",
      "a.b.c",
      "....",
      ".....",
      std::string(200, '.'),
      Jwt(kHeader, "not json CANARY"),
      Jwt(kHeader, R"("a string CANARY")"),
      Jwt(kHeader, R"({"a":"CANARY","a":2})"),
      Jwt(kHeader, "{\"a\":\"CANARY\xff\"}"),
      Jwt(kHeader, R"({"a":"CANARY"} trailing)"),
      Jwt(kHeader, deep),
      Jwt("[]", R"({"a":"CANARY"})"),
      Encode(kHeader) + "." + Encode("{}") + ".CANARY!",
      Encode(kHeader) + "=." + Encode("{}") + ".x",
      Encode(kHeader) + ". " + Encode("{}") + ".xx",
      Encode(kHeader) + "." + Encode("{}") + "\n.xx",
      std::string("\0.\0.\0", 5),
  };
  for (const std::string& token : cases) {
    const auto jwt = DecodeJwtUnverified(token);
    EXPECT_EQ(jwt.status().code(), absl::StatusCode::kInvalidArgument) << token.substr(0, 80);
    EXPECT_THAT(std::string(jwt.status().message()), Not(HasSubstr("CANARY")));
  }
}

TEST(DecodeJwtUnverified, SaysThatAnEncryptedTokenIsForTheResource) {
  EXPECT_THAT(std::string(DecodeJwtUnverified("a.b.c.d.e").status().message()), HasSubstr("JWE"));
}

TEST(DecodeJwtUnverified, DoesNotLookIntoHugeTokens) {
  const std::string claims = absl::StrCat(R"({"a":")", std::string(kMaxTokenBytes, 'x'), "\"}");
  EXPECT_THAT(std::string(DecodeJwtUnverified(Jwt(kHeader, claims)).status().message()),
              HasSubstr("too long"));
}

}  // namespace
}  // namespace tokensvc::tokenctl
