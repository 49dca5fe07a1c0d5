// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

/// The message of the refusal; empty where `text` is accepted.
std::string Refusal(absl::string_view text, const JsonLimits& limits = {}) {
  const absl::StatusOr<Json> parsed = ParseJson(text, limits);
  if (parsed.ok()) return "";
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(parsed.status().message());
}

TEST(JsonTest, ReadsEveryKindOfValue) {
  const absl::StatusOr<Json> parsed = ParseJson(
      " {\"s\":\"a\\u00e9\\n\",\"i\":-7,\"u\":18446744073709551615,\"d\":1.5,\"t\":true,"
      "\"n\":null,\"a\":[1,[2,{}],{\"b\":[]}],\"o\":{\"x\":{\"y\":3}}}\r\n");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const Json& json = *parsed;
  EXPECT_EQ(json["s"], "a\xC3\xA9\n");
  EXPECT_EQ(json["i"], -7);
  EXPECT_EQ(json["u"], 18446744073709551615ULL);
  EXPECT_EQ(json["d"], 1.5);
  EXPECT_EQ(json["t"], true);
  EXPECT_TRUE(json["n"].is_null());
  EXPECT_EQ(json["a"].dump(), "[1,[2,{}],{\"b\":[]}]");
  EXPECT_EQ(json["o"]["x"]["y"], 3);
}

TEST(JsonTest, ReadsOnlyTheBytesOfItsView) {
  const std::string text = "[1]garbage";
  const absl::StatusOr<Json> parsed = ParseJson(absl::string_view(text).substr(0, 3));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->dump(), "[1]");
}

TEST(JsonTest, RefusesDuplicateMemberNamesHoweverTheyAreSpelt) {
  EXPECT_THAT(Refusal("{\"a\":1,\"a\":1}"), HasSubstr("duplicate"));
  EXPECT_THAT(Refusal("{\"a\":1,\"b\":2,\"\\u0061\":3}"), HasSubstr("duplicate"));
  EXPECT_THAT(Refusal("[{\"x\":{\"a\":null,\"a\":null}}]"), HasSubstr("duplicate"));
  EXPECT_THAT(Refusal("{\"\":1,\"\":2}"), HasSubstr("duplicate"));
  EXPECT_EQ(Refusal("{\"a\":{\"a\":[{\"a\":1},{\"a\":1}]},\"A\":1}"), "");
}

TEST(JsonTest, RefusesWhatIsDeeperThanTheLimit) {
  EXPECT_EQ(Refusal(Nested(16)), "");
  EXPECT_THAT(Refusal(Nested(17)), HasSubstr("too deep"));
  std::string objects;
  for (int i = 0; i < 17; ++i) objects += "{\"a\":";
  EXPECT_THAT(Refusal(objects + "1" + std::string(17, '}')), HasSubstr("too deep"));
  EXPECT_EQ(Refusal(Nested(3), {.max_depth = 3}), "");
  EXPECT_THAT(Refusal(Nested(4), {.max_depth = 3}), HasSubstr("too deep"));
}

TEST(JsonTest, EndsAtHundredsOfThousandsOfOpenBrackets) {
  EXPECT_THAT(Refusal(std::string(500000, '[')), HasSubstr("too deep"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(Refusal(objects), HasSubstr("too deep"));
}

TEST(JsonTest, CountsTheDepthOfWhatIsOpenOnly) {
  std::string siblings = "[";
  for (int i = 0; i < 100; ++i) siblings += "[[]],";
  EXPECT_EQ(Refusal(siblings + "[]]", {.max_depth = 3}), "");
}

TEST(JsonTest, RefusesMoreBytesOrValuesThanTheLimit) {
  EXPECT_EQ(Refusal("[1,22]", {.max_bytes = 6}), "");
  EXPECT_THAT(Refusal("[1,22]", {.max_bytes = 5}), HasSubstr("too large"));
  EXPECT_THAT(Refusal("[1]" + std::string(1 << 20, ' ')), HasSubstr("too large"));
  EXPECT_EQ(Refusal("[1,{\"a\":2}]", {.max_values = 4}), "");
  EXPECT_THAT(Refusal("[1,{\"a\":2}]", {.max_values = 3}), HasSubstr("too many"));
  EXPECT_THAT(Refusal("[[],[],[]]", {.max_values = 3}), HasSubstr("too many"));
}

TEST(JsonTest, RefusesWhatIsNotOneWellFormedText) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "]",
                           "{}{}",
                           "{} x",
                           "1 2",
                           "[1,]",
                           "{\"a\":1,}",
                           "{\"a\"}",
                           "{a:1}",
                           "{'a':1}",
                           "[01]",
                           "[+1]",
                           "[.5]",
                           "[1.]",
                           "[0x1]",
                           "nul",
                           "True",
                           "NaN",
                           "Infinity",
                           "-Infinity",
                           "[1]//x",
                           "/**/[1]",
                           "\"",
                           "\"\n\"",
                           "\"\\x41\"",
                           "\"\\ud800\"",
                           "\"\\u12\"",
                           "\"\\udc00\\ud800\""}) {
    EXPECT_NE(Refusal(text), "") << text;
  }
}

TEST(JsonTest, RefusesInvalidUtf8InValuesAndNames) {
  for (const char* bytes : {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xe2\x82", "\xf0\x80\x80\xaf"}) {
    EXPECT_NE(Refusal("\"" + std::string(bytes) + "\""), "");
    EXPECT_NE(Refusal("{\"" + std::string(bytes) + "\":1}"), "");
  }
  EXPECT_EQ(Refusal("\"\xf0\x9f\x94\x91\""), "");
}

TEST(JsonTest, RefusesNumbersOutOfRange) {
  for (const char* text : {"1e400", "-1e400", "[1e309]", "{\"exp\":1e99999}"}) {
    EXPECT_NE(Refusal(text), "") << text;
  }
  EXPECT_NE(Refusal("1" + std::string(400, '0')), "");
  EXPECT_EQ(Refusal("1e308"), "");
}

TEST(JsonTest, RefusesNulWhereverItStands) {
  const std::string nul(1, '\0');
  for (const std::string& text :
       {nul, nul + "{}", "{}" + nul, "{}" + nul + "x", "{" + nul + "}", "[1," + nul + "2]",
        "\"a" + nul + "b\"", "{\"a" + nul + "\":1}", "tr" + nul + "ue", "1" + nul, "{}" + nul + nul,
        "{} " + nul + "{\"a\":1}"}) {
    EXPECT_NE(Refusal(text), "") << testing::PrintToString(text);
  }
  const absl::StatusOr<Json> escaped = ParseJson("\"a\\u0000b\"");
  ASSERT_TRUE(escaped.ok());
  EXPECT_EQ(*escaped, std::string("a\0b", 3));
}

TEST(JsonTest, NeverRepeatsTheInputInTheMessage) {
  const std::string secret = "hunter2";
  for (const std::string& text :
       {"{\"" + secret + "\":1,\"" + secret + "\":2}", secret, "[" + secret, "{}" + secret,
        "{\"a\":\"" + secret + "\xff\"}", "\"" + secret, "[\"" + secret + "\",1e400]",
        "{\"a\":\"" + secret + "\"," + std::string(100, '['),
        "{\"" + secret + "\":" + Nested(40)}) {
    const std::string message = Refusal(text);
    EXPECT_NE(message, "");
    EXPECT_THAT(message, Not(HasSubstr("hunter")));
    EXPECT_THAT(message, testing::StartsWith("JSON: "));
  }
  EXPECT_THAT(Refusal("{\"" + secret + "\":1}", {.max_bytes = 4}), Not(HasSubstr("hunter")));
}

TEST(JsonObjectTest, RefusesEveryOtherKindOfValue) {
  for (const char* text : {"[]", "\"a\"", "1", "null", "true", "[{}]"}) {
    const absl::StatusOr<Json> parsed = ParseJsonObject(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_TRUE(ParseJsonObject("{}").ok());
}

TEST(JsonObjectTest, FindsStringMembersOnly) {
  const absl::StatusOr<Json> object = ParseJsonObject("{\"a\":\"x\",\"b\":1,\"c\":null,\"d\":[]}");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(StringMember(*object, "a"), "x");
  for (const char* name : {"b", "c", "d", "absent", ""}) EXPECT_EQ(StringMember(*object, name), "");
}

}  // namespace
}  // namespace tokensvc
