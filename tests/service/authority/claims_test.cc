// SPDX-License-Identifier: Apache-2.0
#include "service/authority/claims.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Merged(absl::string_view challenge, absl::string_view client,
                   std::vector<std::string> capabilities) {
  const Result<std::string> result = MergeClaims(challenge, client, capabilities);
  return result.ok() ? *result : "error: " + result.error().message;
}

TEST(CanonicalClaims, IsOneSpellingForEqualRequests) {
  const auto a = CanonicalClaims(R"( {"b": {"y":1, "x":[1, 2]}, "a": null} )", "client_claims");
  const auto b = CanonicalClaims(R"({"a":null,"b":{"x":[1,2],"y":1}})", "client_claims");
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(*a, R"({"a":null,"b":{"x":[1,2],"y":1}})");
  EXPECT_EQ(*a, *b);
}

TEST(CanonicalClaims, RefusesWhatIsNoClaimsRequestAndRepeatsNothingOfIt) {
  const std::string deep = R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}})";
  const std::string cases[] = {"",
                               "CANARY",
                               "[1]",
                               "\"CANARY\"",
                               R"({"CANARY":1,"CANARY":2})",
                               R"({"CANARY":})",
                               "{\"CANARY\":\"\xff\"}",
                               R"({"a":1} CANARY)",
                               deep,
                               "{\"a\":\"" + std::string(8192, 'x') + "\"}"};
  for (const std::string& json : cases) {
    const auto result = CanonicalClaims(json, "claims_challenge");
    ASSERT_FALSE(result.ok()) << json;
    EXPECT_EQ(result.error().reason, Reason::kInvalidRequest);
    ASSERT_EQ(result.error().violations.size(), 1u);
    EXPECT_EQ(result.error().violations[0].field, "claims_challenge");
    EXPECT_THAT(result.error().violations[0].description, Not(HasSubstr("CANARY")));
  }
  EXPECT_TRUE(CanonicalClaims(R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}})", "f").ok());
}

TEST(MergeClaims, MakesNothingOfNothing) { EXPECT_EQ(Merged("", "", {}), ""); }

TEST(MergeClaims, AddsCapabilities) {
  EXPECT_EQ(Merged("", "", {"cp1"}), R"({"access_token":{"xms_cc":{"values":["cp1"]}}})");
  EXPECT_EQ(
      Merged(R"({"access_token":{"nbf":{"essential":true,"value":"1"}}})", "", {"cp1"}),
      R"({"access_token":{"nbf":{"essential":true,"value":"1"},"xms_cc":{"values":["cp1"]}}})");
}

TEST(MergeClaims, AddsToCapabilitiesThatAreNamedAlready) {
  EXPECT_EQ(Merged("", R"({"access_token":{"xms_cc":{"values":["cp1","x"]}}})", {"cp1", "cp2"}),
            R"({"access_token":{"xms_cc":{"values":["cp1","x","cp2"]}}})");
  EXPECT_EQ(Merged("", R"({"access_token":null})", {"cp1"}),
            R"({"access_token":{"xms_cc":{"values":["cp1"]}}})");
  EXPECT_EQ(Merged("", R"({"access_token":[1]})", {"cp1"}),
            R"({"access_token":{"xms_cc":{"values":["cp1"]}}})");
}

TEST(MergeClaims, MergesObjectsAndLetsTheChallengeWin) {
  EXPECT_EQ(
      Merged(
          R"({"access_token":{"acrs":{"value":"c1"}},"id_token":null})",
          R"({"access_token":{"acrs":{"value":"c0","essential":true},"x":null},"id_token":{"y":1}})",
          {}),
      R"({"access_token":{"acrs":{"essential":true,"value":"c1"},"x":null},"id_token":{"y":1}})");
}

TEST(MergeClaims, NamesTheFieldThatIsWrong) {
  const auto challenge = MergeClaims("nonsense", "{}", {});
  ASSERT_FALSE(challenge.ok());
  EXPECT_EQ(challenge.error().violations[0].field, "claims_challenge");
  const auto client = MergeClaims("{}", "[]", {});
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().violations[0].field, "client_claims");
}

}  // namespace
}  // namespace tokensvc
