// SPDX-License-Identifier: Apache-2.0
#include "service/authority/token_response.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/authority/canary.h"
#include "tests/testing/fake_http_transport.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using testing::MakeResponse;
using ::testing::Not;

ExchangeContext Context() {
  ExchangeContext context;
  context.authority = "main";
  context.now = absl::FromUnixSeconds(1767323045);
  return context;
}

Result<TokenResponse> Parse(absl::string_view body, int status = 200) {
  return ParseTokenResponse(MakeResponse(status, body), Context());
}

std::string WithExpiresIn(absl::string_view value) {
  return absl::StrCat(R"({"token_type":"Bearer","access_token":"a.b.c","expires_in":)", value, "}");
}

TEST(ParseTokenResponse, ReadsWhatEntraSendsToAnApp) {
  const auto response = Parse(
      R"({"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"refresh_in":1800,"access_token":"eyJ0eXAi.eyJhdWQi.c2ln"})");
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->access_token.Reveal(), "eyJ0eXAi.eyJhdWQi.c2ln");
  EXPECT_EQ(response->expires_in, absl::Seconds(3599));
  EXPECT_EQ(response->refresh_in, absl::Seconds(1800));
  EXPECT_EQ(response->scope, std::nullopt);
  EXPECT_FALSE(response->refresh_token.has_value());
}

TEST(ParseTokenResponse, ReadsWhatBelongsToUsers) {
  const auto response = Parse(
      R"({"token_type":"bearer","expires_in":"3600","refresh_in":"1800","access_token":"t","scope":"openid User.Read",)"
      R"("refresh_token":"r","id_token":"i","client_info":"c","foci":"1","unknown":{"a":[1]}})");
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->token_type, "Bearer");
  EXPECT_EQ(response->expires_in, absl::Hours(1));
  EXPECT_EQ(response->refresh_in, absl::Minutes(30));
  EXPECT_EQ(response->scope, "openid User.Read");
  EXPECT_EQ(response->refresh_token->Reveal(), "r");
  EXPECT_EQ(response->id_token->Reveal(), "i");
  EXPECT_EQ(response->client_info->Reveal(), "c");
}

TEST(ParseTokenResponse, TakesNullForAbsent) {
  const auto response = Parse(
      R"({"token_type":"Bearer","expires_in":60,"access_token":"t","scope":null,"refresh_token":null,"refresh_in":null})");
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_FALSE(response->refresh_token.has_value());
}

TEST(ParseTokenResponse, ReadsLifetimesAsNumbersAndAsStrings) {
  const std::pair<const char*, int> cases[] = {
      {"20", 20}, {"\"3600\"", 3600}, {"3599.9", 3599}, {"1", 1}, {"31536000", 31536000}};
  for (const auto& [text, seconds] : cases) {
    const auto response = Parse(WithExpiresIn(text));
    ASSERT_TRUE(response.ok()) << text;
    EXPECT_EQ(response->expires_in, absl::Seconds(seconds)) << text;
  }
}

TEST(ParseTokenResponse, RefusesLifetimesThatAreNone) {
  for (const char* text : {"0", "-1", "0.5", "\"\"", "\"-5\"", "\"1h\"", "\"3600 \"", "true",
                           "null", "[]", "3600000000", "99999999999999999999", "1e300", "31708800",
                           "\"99999999999\"", "18446744073709551615", "-9223372036854775808"}) {
    const auto response = Parse(WithExpiresIn(text));
    ASSERT_FALSE(response.ok()) << text;
    EXPECT_EQ(response.error().reason, Reason::kAuthorityResponseInvalid) << text;
  }
}

TEST(ParseTokenResponse, IgnoresARefreshInThatMakesNoSense) {
  for (const char* text : {"0", "-1", "3600", "4000", "\"x\"", "{}"}) {
    const auto response = Parse(absl::StrCat(
        R"({"token_type":"Bearer","access_token":"t","expires_in":3600,"refresh_in":)", text, "}"));
    ASSERT_TRUE(response.ok()) << text;
    EXPECT_FALSE(response->refresh_in.has_value()) << text;
  }
}

class Nonsense : public ::testing::TestWithParam<std::pair<int, std::string>> {};

TEST_P(Nonsense, IsAnInvalidResponseToRetryAndLeaksNothing) {
  const auto& [status, body] = GetParam();
  const auto response = Parse(body, status);
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, absl::StatusCode::kUnavailable);
  EXPECT_EQ(response.error().reason, Reason::kAuthorityResponseInvalid);
  EXPECT_TRUE(response.error().retry_after.has_value());
  EXPECT_THAT(VisibleText(response.error()), Not(HasSubstr(std::string(kCanary))));
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, Nonsense,
    ::testing::Values(
        std::pair(200, std::string()), std::pair(200, std::string("<html>CANARY-8f3a1c</html>")),
        std::pair(200, std::string("[\"CANARY-8f3a1c\"]")), std::pair(200, std::string("{}")),
        std::pair(200, std::string(R"({"access_token":"CANARY-8f3a1c" "x"})")),
        std::pair(
            200,
            std::string(
                R"({"token_type":"Bearer","expires_in":60,"access_token":"CANARY-8f3a1c","access_token":"CANARY-8f3a1c"})")),
        std::pair(
            200, std::string(
                     R"({"token_type":"Bearer","expires_in":60,"access_token":"CANARY-8f3a1c"}x)")),
        std::pair(200, std::string(R"({"token_type":"Bearer","expires_in":60,"access_token":""})")),
        std::pair(200, std::string(R"({"token_type":"Bearer","expires_in":60,"access_token":7})")),
        std::pair(
            200,
            std::string(
                R"({"token_type":"Bearer","expires_in":60,"access_token":"CANARY-8f3a1c\r\nX: y"})")),
        std::pair(
            200,
            std::string(
                R"({"token_type":"Bearer","expires_in":60,"access_token":"CANARY-8f3a1c ü"})")),
        std::pair(200, R"({"token_type":"Bearer","expires_in":60,"access_token":")" +
                           std::string((64 << 10) + 1, 'a') + "\"}"),
        std::pair(
            200,
            std::string(
                R"({"token_type":"CANARY-8f3a1c","expires_in":60,"access_token":"CANARY-8f3a1c"})")),
        std::pair(200, std::string(R"({"expires_in":60,"access_token":"CANARY-8f3a1c"})")),
        std::pair(200, std::string(R"({"token_type":"Bearer","access_token":"CANARY-8f3a1c"})")),
        std::pair(
            200,
            std::string(
                R"({"token_type":"Bearer","expires_in":60,"access_token":"t","scope":["CANARY-8f3a1c"]})")),
        std::pair(
            200,
            std::string(
                R"({"token_type":"Bearer","expires_in":60,"access_token":"t","scope":"CANARY-8f3a1c\u0007"})")),
        std::pair(
            200,
            std::string(
                R"({"token_type":"Bearer","expires_in":60,"access_token":"t","refresh_token":{"a":"CANARY-8f3a1c"}})")),
        std::pair(204, std::string()), std::pair(302, std::string("CANARY-8f3a1c")),
        std::pair(307, std::string(R"({"error":"invalid_client"})")),
        std::pair(404, std::string("CANARY-8f3a1c")), std::pair(401, std::string("CANARY-8f3a1c")),
        std::pair(400, std::string(R"({"message":"CANARY-8f3a1c"})"))));

TEST(ParseTokenResponse, ReadsAnErrorThatComesWithStatus200) {
  const auto response = Parse(R"({"error":"invalid_grant","error_description":"CANARY-8f3a1c"})");
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().reason, Reason::kInteractionRequired);
  EXPECT_EQ(response.error().authority->http_status, 200);
}

TEST(ParseTokenResponse, WantsTheTokenTypeThatWasAskedFor) {
  ExchangeContext context = Context();
  context.token_type = "DPoP";
  const std::string body = R"({"token_type":"Bearer","expires_in":60,"access_token":"t"})";
  EXPECT_FALSE(ParseTokenResponse(MakeResponse(200, body), context).ok());
  const std::string dpop = R"({"token_type":"dpop","expires_in":60,"access_token":"t"})";
  EXPECT_TRUE(ParseTokenResponse(MakeResponse(200, dpop), context).ok());
}

}  // namespace
}  // namespace tokensvc
