// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/trace_context.h"

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

constexpr char kTraceId[] = "0af7651916cd43dd8448eb211c80319c";

TEST(TraceContextTest, ReadsTheTraceIdOfAWellFormedHeader) {
  EXPECT_EQ(ParseTraceId("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), kTraceId);
}

TEST(TraceContextTest, ALaterVersionMayAppend) {
  EXPECT_EQ(ParseTraceId("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"), kTraceId);
  EXPECT_EQ(ParseTraceId("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"), "");
}

TEST(TraceContextTest, WhatIsMalformedCountsAsAbsent) {
  for (const char* bad : {"", "00", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
                          "00-0af7651916cd43dd8448eb211c80319\n-b7ad6b7169203331-01"}) {
    EXPECT_EQ(ParseTraceId(bad), "") << bad;
  }
}

}  // namespace
}  // namespace tokensvc
