// SPDX-License-Identifier: Apache-2.0
#include "service/authority/retry_after.h"

#include <string>

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

// 1994-11-06 08:49:07 UTC: half a minute before RFC 9110's example.
const absl::Time kNow = absl::FromUnixSeconds(784111747);

TEST(ParseRetryAfter, ReadsSeconds) {
  EXPECT_EQ(ParseRetryAfter("17", kNow), absl::Seconds(17));
  EXPECT_EQ(ParseRetryAfter(" 17\t", kNow), absl::Seconds(17));
}

TEST(ParseRetryAfter, ReadsTheThreeFormsOfDates) {
  for (const char* date : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(ParseRetryAfter(date, kNow), absl::Seconds(30)) << date;
  }
}

TEST(ParseRetryAfter, StaysWithinBounds) {
  EXPECT_EQ(ParseRetryAfter("0", kNow), absl::Seconds(1));
  EXPECT_EQ(ParseRetryAfter("3601", kNow), absl::Hours(1));
  EXPECT_EQ(ParseRetryAfter("99999999999999999999", kNow), absl::Hours(1));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 2094 08:49:37 GMT", kNow), absl::Hours(1));
}

TEST(ParseRetryAfter, IgnoresWhatSaysNothing) {
  for (const std::string& header :
       {std::string(), std::string("-5"), std::string("+5"), std::string("5.5"), std::string("5s"),
        std::string("soon"), std::string("infinite-future"), std::string("infinite-past"),
        std::string("Sun, 06 Nov 1994 08:49:07 GMT"), std::string("Sun, 06 Nov 1984 08:49:37 GMT"),
        std::string("Sun, 66 Nov 1994 08:49:37 GMT"), std::string(100, '9'),
        std::string("5\0", 2)}) {
    EXPECT_EQ(ParseRetryAfter(header, kNow), std::nullopt) << header;
  }
}

}  // namespace
}  // namespace tokensvc
