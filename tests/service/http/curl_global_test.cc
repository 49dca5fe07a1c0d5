// SPDX-License-Identifier: Apache-2.0
#include "service/http/curl_global.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

namespace tokensvc {
namespace {

TEST(CurlGlobal, ReallocKeepsTheContentWhenABlockGrows) {
  auto* block = static_cast<char*>(WipingRealloc(nullptr, 8));
  std::memcpy(block, "content", 8);
  block = static_cast<char*>(WipingRealloc(block, 100'000));
  EXPECT_STREQ(block, "content");
  block[99'999] = 'x';
  block = static_cast<char*>(WipingRealloc(block, 8));
  EXPECT_STREQ(block, "content");
  WipingFree(block);
}

TEST(CurlGlobal, ReallocToNothingFrees) {
  EXPECT_EQ(WipingRealloc(std::malloc(10), 0), nullptr);
  WipingFree(nullptr);
}

TEST(CurlGlobal, CanBeInitializedAgain) {
  EXPECT_TRUE(InitializeCurl());
  EXPECT_TRUE(InitializeCurl());
}

}  // namespace
}  // namespace tokensvc
