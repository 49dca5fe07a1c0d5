// SPDX-License-Identifier: Apache-2.0
#include "service/jose/base64url.h"

#include <gtest/gtest.h>

namespace tokensvc {
namespace {

TEST(DecodeBase64Url, ReadsBackWhateverWasWritten) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(DecodeBase64Url(Base64Url(bytes)), bytes) << i;
    bytes.push_back(static_cast<char>(i * 7));
  }
}

TEST(DecodeBase64Url, RefusesEverySecondSpelling) {
  EXPECT_EQ(DecodeBase64Url("QQ"), "A");
  for (const char* text : {"QQ==", "QQ=", "QR", "QZ", "Q", "QUJ=", "QUK", "Q Q", "QQ\n", "\tQQ",
                           "Q+A_", "Q/A_", "QQ.", "QQQQQ", "Q\xc3\xa4=", "%51"}) {
    EXPECT_EQ(DecodeBase64Url(text), std::nullopt) << text;
  }
  EXPECT_EQ(DecodeBase64Url(absl::string_view("QQ\0\0", 4)), std::nullopt);
}

// The last letter has bits to spare; all but one of the letters with the same byte are refused.
TEST(DecodeBase64Url, TakesOneOfTheSpellingsThatLaxDecodersTake) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  int taken_of_two = 0, taken_of_three = 0;
  for (const char last : absl::string_view(kAlphabet)) {
    taken_of_two += DecodeBase64Url(std::string("Q") + last).has_value() ? 1 : 0;
    taken_of_three += DecodeBase64Url(std::string("QU") + last).has_value() ? 1 : 0;
  }
  EXPECT_EQ(taken_of_two, 4);
  EXPECT_EQ(taken_of_three, 16);
}

}  // namespace
}  // namespace tokensvc
