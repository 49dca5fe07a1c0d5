// SPDX-License-Identifier: Apache-2.0
// Whether the bytes that the cache counts are the bytes that it takes.
#include <malloc.h>

#include <ostream>
#include <string>

#include "cache/local_cache.h"
#include "gtest/gtest.h"
#include "tests/cache/test_records.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TOKENSVC_OTHER_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TOKENSVC_OTHER_MALLOC 1
#endif
#endif

namespace tokensvc {
namespace {

using testing::MakeRecord;

struct Load {
  friend std::ostream& operator<<(std::ostream& out, const Load& load) { return out << load.name; }

  const char* name;
  int entries;
  std::size_t token_bytes;
  int partitions;
};

class LocalCacheMemoryTest : public ::testing::TestWithParam<Load> {};

TEST_P(LocalCacheMemoryTest, CountsWhatMallocGivesWithinFifteenPercent) {
#ifdef TOKENSVC_OTHER_MALLOC
  GTEST_SKIP() << "a sanitizer's malloc does not fill mallinfo2";
#endif
  const Load& load = GetParam();
  LocalCache cache({.max_bytes = std::size_t{1} << 30, .tenant_share_percent = 100});
  const std::size_t before = mallinfo2().uordblks;
  for (int i = 0; i < load.entries; ++i) {
    // About as long as canonical keys are.
    const std::string key = std::string(180, 'k') + std::to_string(i);
    const std::string tenant = "00000000-0000-0000-0000-" + std::to_string(i % load.partitions);
    cache.Store(key, tenant, MakeRecord("a", {.token_bytes = load.token_bytes}));
  }
  const double taken = static_cast<double>(mallinfo2().uordblks - before);
  const double counted = static_cast<double>(cache.size().bytes);
  ASSERT_EQ(cache.size().entries, static_cast<std::size_t>(load.entries));
  EXPECT_NEAR(counted / taken, 1.0, 0.15) << "counted " << counted << ", taken " << taken;
}

INSTANTIATE_TEST_SUITE_P(Loads, LocalCacheMemoryTest,
                         ::testing::Values(Load{"Usual", 20000, 1500, 10},
                                           Load{"SmallTokens", 20000, 40, 10},
                                           Load{"LargeTokens", 3000, 8000, 10},
                                           Load{"TenantEach", 20000, 1500, 20000},
                                           Load{"SmallTenantEach", 20000, 40, 20000}),
                         [](const auto& load) { return load.param.name; });

}  // namespace
}  // namespace tokensvc
