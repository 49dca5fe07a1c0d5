// SPDX-License-Identifier: Apache-2.0
#include "service/config/scalar.h"

#include <gtest/gtest.h>

namespace tokensvc {
namespace {

TEST(ConfigScalar, ReadsIntegersInOneNotationOnly) {
  EXPECT_EQ(ParseConfigInteger("0"), 0);
  EXPECT_EQ(ParseConfigInteger("20000"), 20000);
  EXPECT_EQ(ParseConfigInteger("-3"), -3);
  for (const char* text : {"", "-", "+1", "007", "-0", "0x10", "1_000", "1.0", "1e3", " 1", "1 ",
                           "99999999999999999999"}) {
    EXPECT_FALSE(ParseConfigInteger(text).has_value()) << text;
  }
}

TEST(ConfigScalar, ReadsDurationsWithOneUnit) {
  EXPECT_EQ(ParseConfigDuration("100ms"), absl::Milliseconds(100));
  EXPECT_EQ(ParseConfigDuration("30s"), absl::Seconds(30));
  EXPECT_EQ(ParseConfigDuration("5m"), absl::Minutes(5));
  EXPECT_EQ(ParseConfigDuration("1h"), absl::Hours(1));
  EXPECT_EQ(ParseConfigDuration("0s"), absl::ZeroDuration());
  for (const char* text :
       {"", "s", "30", "0", "1h30m", "1.5s", "-1s", "1 s", "01s", "1S", "inf", "9999999999s"}) {
    EXPECT_FALSE(ParseConfigDuration(text).has_value()) << text;
  }
}

TEST(ConfigScalar, ReadsSizesInBinaryUnits) {
  EXPECT_EQ(ParseConfigSize("512B"), 512);
  EXPECT_EQ(ParseConfigSize("64KiB"), 64 << 10);
  EXPECT_EQ(ParseConfigSize("256MiB"), 256 << 20);
  EXPECT_EQ(ParseConfigSize("3GiB"), 3LL << 30);
  for (const char* text :
       {"", "MiB", "256", "256MB", "256M", "1.5GiB", "-1MiB", "256 MiB", "1TiB"}) {
    EXPECT_FALSE(ParseConfigSize(text).has_value()) << text;
  }
}

TEST(ConfigScalar, KnowsWhatOtherReadersTakeForOtherTypes) {
  for (const char* text :
       {"true", "Yes", "off", "n", "null", "~", "1", "-1", "1.5", "1e3", ".5", "0x1F", "0o17",
        "1_000", "12:30:45", "2026-01-31", "2026-01-31T10:00:00Z", ".inf"}) {
    EXPECT_TRUE(LooksLikeOtherType(text)) << text;
  }
  for (const char* text :
       {"orders", "127.0.0.1:7443", "12345678-1234-1234-1234-123456789012", "contoso.com",
        "1password", "c1a9e0c4-0000-4000-8000-000000000001", "truely", "nothing"}) {
    EXPECT_FALSE(LooksLikeOtherType(text)) << text;
  }
}

TEST(ConfigScalar, NamesAreShortLowerCaseWords) {
  EXPECT_TRUE(IsConfigName("orders"));
  EXPECT_TRUE(IsConfigName("0.a_b-c"));
  EXPECT_TRUE(IsConfigName(std::string(63, 'a')));
  for (const std::string& text :
       {std::string(), std::string("Orders"), std::string("-a"), std::string(".a"),
        std::string("a b"), std::string("a/b"), std::string(64, 'a')}) {
    EXPECT_FALSE(IsConfigName(text)) << text;
  }
}

}  // namespace
}  // namespace tokensvc
