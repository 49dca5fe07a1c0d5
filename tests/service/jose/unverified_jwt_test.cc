// SPDX-License-Identifier: Apache-2.0
#include "service/jose/unverified_jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "service/jose/thumbprint.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Jwt(absl::string_view header, absl::string_view claims) {
  return absl::StrCat(Base64Url(header), ".", Base64Url(claims), ".c2ln");
}

TEST(UnverifiedJwt, SaysWhenItExpires) {
  const auto jwt = ReadUnverifiedJwt(Jwt(R"({"alg":"RS256"})", R"({"exp":1767323045})"));
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(jwt->expires_at, absl::FromUnixSeconds(1767323045));
  EXPECT_EQ(ReadUnverifiedJwt(Jwt("{}", R"({"exp":1767323045.9})"))->expires_at,
            absl::FromUnixSeconds(1767323045));
}

TEST(UnverifiedJwt, RefusesWhatIsNoCompactJwt) {
  const std::string good = Jwt("{}", R"({"exp":1})");
  for (const std::string& text :
       {std::string(), std::string("canary"), std::string("canary.canary"), good + ".x",
        good + "\n", " " + good, good + "=", std::string("e30.e30."), "e30.!" + good,
        std::string("..")}) {
    EXPECT_FALSE(ReadUnverifiedJwt(text).ok()) << text;
  }
  EXPECT_FALSE(ReadUnverifiedJwt(Jwt("canary", R"({"exp":1})")).ok());
  EXPECT_FALSE(ReadUnverifiedJwt(Jwt("[]", R"({"exp":1})")).ok());
  EXPECT_FALSE(ReadUnverifiedJwt(Jwt("{}", "[1]")).ok());
  EXPECT_FALSE(ReadUnverifiedJwt(Jwt("{}", R"({"exp":1,"exp":2})")).ok());
}

TEST(UnverifiedJwt, RefusesAnExpiryThatIsNoTime) {
  for (const char* claims : {"{}", R"({"exp":null})", R"({"exp":"1767323045"})", R"({"exp":-1})",
                             R"({"exp":1e300})", R"({"exp":[1]})", R"({"exp":true})"}) {
    EXPECT_FALSE(ReadUnverifiedJwt(Jwt("{}", claims)).ok()) << claims;
  }
}

TEST(UnverifiedJwt, ErrorsHoldNothingOfTheInput) {
  for (const std::string& text : {std::string("canary"), Jwt("canary", "canary"),
                                  Jwt("{}", R"({"exp":"canary"})"), std::string("a.canary.b")}) {
    EXPECT_THAT(std::string(ReadUnverifiedJwt(text).status().message()), Not(HasSubstr("canary")));
  }
}

}  // namespace
}  // namespace tokensvc
