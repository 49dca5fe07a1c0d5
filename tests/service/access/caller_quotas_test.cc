// SPDX-License-Identifier: Apache-2.0
#include "service/access/caller_quotas.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

BootTime At(double seconds) {
  return BootTime(std::chrono::hours(1) +
                  std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

std::shared_ptr<const CompiledPolicy> PolicyWith(std::vector<QuotaRule> quotas) {
  PolicySpec spec;
  spec.groups.push_back({"team", {"spiffe://a/ns/team/*", "dns:worker.internal"}});
  spec.quotas = std::move(quotas);
  auto policy = CompiledPolicy::Compile(std::move(spec), {});
  EXPECT_TRUE(policy.ok());
  return *std::move(policy);
}

class CallerQuotasTest : public ::testing::Test {
 protected:
  /// How many single calls get through at once.
  int Allowed(const std::string& caller, double at, const CompiledPolicy& policy) {
    int allowed = 0;
    while (allowed < 10'000 && !quotas_.Take({caller}, policy, 1, At(at))) ++allowed;
    return allowed;
  }
  int Allowed(const std::string& caller, double at) { return Allowed(caller, at, *none_); }

  const std::shared_ptr<const CompiledPolicy> none_ = PolicyWith({});
  MetricRegistry registry_;
  CallerQuotas quotas_{CallerQuota{/*calls_per_second=*/10, /*burst=*/20, /*concurrent_calls=*/7},
                       registry_};
};

TEST_F(CallerQuotasTest, EverybodyHasTheStandardQuotaForHimself) {
  EXPECT_EQ(Allowed("dns:a", 0), 20);
  EXPECT_EQ(Allowed("dns:b", 0), 20);
  EXPECT_EQ(Allowed("dns:a", 1), 10);
  EXPECT_EQ(quotas_.Take({"dns:a"}, *none_, 1, At(1)), absl::Milliseconds(100));
  EXPECT_EQ(quotas_.ConcurrentCalls({"dns:a"}, *none_), 7u);
}

TEST_F(CallerQuotasTest, ABatchCountsEachOfItsRequests) {
  EXPECT_FALSE(quotas_.Take({"dns:a"}, *none_, 15, At(0)));
  EXPECT_TRUE(quotas_.Take({"dns:a"}, *none_, 6, At(0)));
  EXPECT_FALSE(quotas_.Take({"dns:a"}, *none_, 5, At(0)));
}

TEST_F(CallerQuotasTest, ABatchThatIsLargerThanTheBurstIsServedFromAFullBucketAndOwed) {
  EXPECT_FALSE(quotas_.Take({"dns:a"}, *none_, 100, At(0)));
  EXPECT_EQ(quotas_.Take({"dns:a"}, *none_, 1, At(0)), absl::Milliseconds(8100));
}

TEST_F(CallerQuotasTest, TheFirstQuotaThatNamesACallerIsItsOwn) {
  const auto policy = PolicyWith({{{"dns:small"}, {1, 1, 1}},
                                  {{"group:team"}, {5, 0, 0}},
                                  {{"spiffe://a/ns/team/sa/late"}, {9, 9, 9}},
                                  {{"*"}, {0, 3, 0}}});
  EXPECT_EQ(Allowed("dns:small", 0, *policy), 1);
  EXPECT_EQ(Allowed("spiffe://a/ns/team/sa/late", 0, *policy), 10) << "two seconds' worth";
  EXPECT_EQ(Allowed("dns:worker.internal", 0, *policy), 10);
  EXPECT_EQ(quotas_.ConcurrentCalls({"dns:worker.internal"}, *policy), 7u);
  EXPECT_EQ(quotas_.ConcurrentCalls({"dns:small"}, *policy), 1u);
  EXPECT_EQ(Allowed("dns:anybody", 0, *policy), 3);
  EXPECT_EQ(Allowed("dns:anybody", 0.1, *policy), 1) << "at the standard rate";
}

TEST_F(CallerQuotasTest, ASwapOfThePolicyFillsNobodysBucket) {
  EXPECT_EQ(Allowed("dns:a", 0), 20);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Allowed("dns:a", 0, *PolicyWith({})), 0);
}

TEST_F(CallerQuotasTest, ChangedLimitsHoldAtOnce) {
  EXPECT_EQ(Allowed("dns:a", 0), 20);
  const auto narrow = PolicyWith({{{"dns:a"}, {1, 2, 0}}});
  EXPECT_EQ(Allowed("dns:a", 0, *narrow), 0);
  EXPECT_EQ(Allowed("dns:a", 1, *narrow), 1);
  const auto wide = PolicyWith({{{"dns:a"}, {1000, 1000, 0}}});
  EXPECT_EQ(Allowed("dns:a", 1, *wide), 998) << "two are missing, by the quota before";
  EXPECT_EQ(Allowed("dns:a", 1.1, *wide), 100);
}

TEST_F(CallerQuotasTest, AnotherCallersTroublesAreItsOwn) {
  for (int i = 0; i < 50; ++i) Allowed("dns:noisy", i);
  EXPECT_EQ(Allowed("dns:quiet", 50), 20);
}

TEST_F(CallerQuotasTest, ManyCallersTakeLittleMemory) {
  for (int i = 0; i < 200'000; ++i) {
    quotas_.Take({"jwt:issuer:subject-" + std::to_string(i)}, *none_, 1, At(0));
  }
  EXPECT_LE(quotas_.size(), CallerQuotas::kMaxCallers);
  // The last ones are known.
  quotas_.Take({"jwt:issuer:subject-199999"}, *none_, 19, At(0));
  EXPECT_EQ(Allowed("jwt:issuer:subject-199999", 0), 0);
}

TEST_F(CallerQuotasTest, ThreadsTogetherGetNoMoreThanTheQuota) {
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  const auto other = PolicyWith({});
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        const CompiledPolicy& policy = (i + t) % 2 == 0 ? *none_ : *other;
        if (!quotas_.Take({"dns:a"}, policy, 1, At(0))) ++allowed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed.load(), 20);
}

}  // namespace
}  // namespace tokensvc
