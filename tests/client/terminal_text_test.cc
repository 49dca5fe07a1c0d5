// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/terminal_text.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace tokensvc::tokenctl {
namespace {

TEST(EscapeForTerminal, LeavesReadableTextAlone) {
  EXPECT_EQ(EscapeForTerminal("Grüße, 世界 🙂 {\"a\": 1}"),
            "Grüße, 世界 🙂 {\"a\": 1}");
}

TEST(EscapeForTerminal, EscapesWhatATerminalActsOn) {
  EXPECT_EQ(EscapeForTerminal("\x1b[2J\x07\r\n\t\x7f"), "\\x1b[2J\\x07\\x0d\\x0a\\x09\\x7f");
  EXPECT_EQ(EscapeForTerminal(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(EscapeForTerminal("\xc2\x9b"
                              "31m"),
            "\\u{9b}31m");  // CSI as one C1 character.
}

TEST(EscapeForTerminal, EscapesWhatDeceivesTheReader) {
  EXPECT_EQ(EscapeForTerminal("\xe2\x80\xae"
                              "x"),
            "\\u{202e}x");                                         // Right-to-left override.
  EXPECT_EQ(EscapeForTerminal("\xe2\x80\x8b"), "\\u{200b}");       // Zero-width space.
  EXPECT_EQ(EscapeForTerminal("\xe2\x80\xa8"), "\\u{2028}");       // Line separator.
  EXPECT_EQ(EscapeForTerminal("\xf3\xa0\x81\x81"), "\\u{e0041}");  // A tag character.
}

TEST(EscapeForTerminal, EscapesTheBackslashSoThatNothingIsAmbiguous) {
  EXPECT_EQ(EscapeForTerminal("\\x1b"), "\\\\x1b");
}

TEST(EscapeForTerminal, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(EscapeForTerminal("\x9b\xff"), "\\x9b\\xff");
  EXPECT_EQ(EscapeForTerminal("\xc0\x9b"), "\\xc0\\x9b");                    // Overlong.
  EXPECT_EQ(EscapeForTerminal("\xe0\x82\x9b"), "\\xe0\\x82\\x9b");           // Overlong.
  EXPECT_EQ(EscapeForTerminal("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // A surrogate.
  EXPECT_EQ(EscapeForTerminal("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // Past U+10FFFF.
  EXPECT_EQ(EscapeForTerminal("\xe4\xb8"), "\\xe4\\xb8");                    // Cut short.
}

TEST(EscapeForTerminal, CutsWhatIsTooLongAndSaysSo) {
  EXPECT_EQ(EscapeForTerminal("abcdef", 4), "abcd... (2 bytes more)");
}

TEST(JsonText, IsAsciiWhateverIsInIt) {
  Json json;
  json["k"] = "\x1b\xe2\x80\xae\xff";
  EXPECT_EQ(JsonText(json, -1), "{\"k\":\"\\u001b\\u202e\\ufffd\"}");
}

TEST(RelativeTime, SaysTheTwoLargestUnits) {
  const absl::Time now = absl::FromUnixSeconds(1800000000);
  EXPECT_EQ(RelativeTime(now + absl::Seconds(3599), now), "in 59m59s");
  EXPECT_EQ(RelativeTime(now + absl::Hours(49) + absl::Seconds(3), now), "in 2d1h");
  EXPECT_EQ(RelativeTime(now, now), "in 0s");
  EXPECT_EQ(RelativeTime(now - absl::Seconds(61), now), "1m1s ago");
}

TEST(AbsoluteTime, TakesAnyTimestamp) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(1800000000);
  EXPECT_EQ(AbsoluteTime(ToTime(timestamp)), "2027-01-15T08:00:00Z");
  for (const std::int64_t hostile :
       {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    timestamp.set_seconds(hostile);
    timestamp.set_nanos(std::numeric_limits<std::int32_t>::max());
    EXPECT_FALSE(AbsoluteTime(ToTime(timestamp)).empty());
    EXPECT_FALSE(RelativeTime(ToTime(timestamp), absl::FromUnixSeconds(0)).empty());
  }
}

}  // namespace
}  // namespace tokensvc::tokenctl
