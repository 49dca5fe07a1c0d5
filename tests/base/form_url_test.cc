// SPDX-License-Identifier: Apache-2.0
#include "base/form_url.h"

#include <string>

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

TEST(FormUrlTest, EncodesTheExampleOfRfc6749AppendixB) {
  // " %&+£€"
  EXPECT_EQ(FormUrlEncode(" %&+\xC2\xA3\xE2\x82\xAC"), "+%25%26%2B%C2%A3%E2%82%AC");
}

TEST(FormUrlTest, KeepsLettersDigitsAndFourMarksAndNothingElse) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    const bool kept = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                      (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
                      byte == '*';
    char percent[4];
    std::snprintf(percent, sizeof(percent), "%%%02X", byte);
    const std::string expected = kept ? text : byte == ' ' ? "+" : percent;
    EXPECT_EQ(FormUrlEncode(text), expected) << byte;
  }
}

TEST(FormUrlTest, SeparatesFieldsAndWritesEmptyValues) {
  std::string body;
  AppendFormField("grant_type", "client_credentials", &body);
  AppendFormField("scope", "", &body);
  AppendFormField("a=b", "c&d=e", &body);
  EXPECT_EQ(body, "grant_type=client_credentials&scope=&a%3Db=c%26d%3De");
}

TEST(PathSegmentTest, KeepsUnreservedCharactersOnly) {
  EXPECT_EQ(PathSegmentEncode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PathSegmentEncode("a/b?c#d e+*"), "a%2Fb%3Fc%23d%20e%2B%2A");
  EXPECT_EQ(PathSegmentEncode(std::string("\0\x7f\xff", 3)), "%00%7F%FF");
}

}  // namespace
}  // namespace tokensvc
