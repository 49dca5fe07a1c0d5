// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace tokensvc {
namespace {

using ::testing::MatchesRegex;

constexpr char kUuidV4[] = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

/// The same byte for ever.
class ConstantRandom final : public RandomGenerator {
 public:
  explicit ConstantRandom(unsigned char byte) : byte_(byte) {}
  void Fill(unsigned char* out, std::size_t size) override { std::fill_n(out, size, byte_); }

 private:
  const unsigned char byte_;
};

TEST(RandomTest, MakesUuidsOfVersion4FromTheBytesOfTheGenerator) {
  ConstantRandom zeros(0);
  ConstantRandom ones(0xff);
  EXPECT_EQ(MakeUuid(zeros), "00000000-0000-4000-8000-000000000000");
  EXPECT_EQ(MakeUuid(ones), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  testing::FakeRandom random;
  EXPECT_THAT(MakeUuid(random), MatchesRegex(kUuidV4));
}

TEST(RandomTest, NeverRepeatsAUuidOfTheSystemsGenerator) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = MakeUuid(random);
    EXPECT_THAT(uuid, MatchesRegex(kUuidV4));
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(RandomTest, GivesEveryThreadCorrelationIdsOfItsOwn) {
  std::mutex mutex;
  std::set<std::string> seen;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        const std::string id = MakeCorrelationId();
        EXPECT_THAT(id, MatchesRegex(kUuidV4));
        std::lock_guard<std::mutex> lock(mutex);
        seen.insert(id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen.size(), 4000u);
}

TEST(RandomTest, DrawsUniformNumbersBelowOne) {
  ConstantRandom zeros(0);
  ConstantRandom ones(0xff);
  EXPECT_EQ(zeros.Uniform(), 0.0);
  EXPECT_LT(ones.Uniform(), 1.0);
  EXPECT_GT(ones.Uniform(), 0.999999);
  testing::FakeRandom random;
  int tenths[10] = {};
  for (int i = 0; i < 10000; ++i) ++tenths[static_cast<int>(random.Uniform() * 10)];
  for (const int count : tenths) EXPECT_NEAR(count, 1000, 200);
}

}  // namespace
}  // namespace tokensvc
