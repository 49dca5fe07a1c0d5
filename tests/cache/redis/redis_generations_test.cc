// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_generations.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/event_loop.h"
#include "cache/memory_blob_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/run_on_loop.h"

namespace tokensvc::testing {
namespace {

// A store whose generations may be out of reach.
class FlakyStore final : public BlobStore {
 public:
  explicit FlakyStore(const Clock& clock) : store_(std::make_shared<MemoryBlobs>(clock)) {}

  asio::awaitable<std::vector<absl::StatusOr<std::optional<std::string>>>> GetMany(
      std::vector<std::string> keys) override {
    return store_.GetMany(std::move(keys));
  }
  asio::awaitable<absl::StatusOr<PutOutcome>> Put(std::string key, std::string blob,
                                                  std::uint64_t generation,
                                                  absl::Time expires_at) override {
    return store_.Put(std::move(key), std::move(blob), generation, expires_at);
  }
  asio::awaitable<absl::StatusOr<std::uint64_t>> NextGeneration(std::string key) override {
    asked_for = key;
    if (away) co_return absl::UnavailableError("away");
    if (says.has_value()) co_return *says;
    co_return co_await store_.NextGeneration(std::move(key));
  }
  asio::awaitable<absl::StatusOr<std::string>> PutIfUnchanged(std::string key, std::string expected,
                                                              std::string value,
                                                              absl::Time expires_at) override {
    return store_.PutIfUnchanged(std::move(key), std::move(expected), std::move(value), expires_at);
  }

  bool away = false;
  std::optional<std::uint64_t> says;  ///< Instead of the truth.
  std::string asked_for;

 private:
  MemoryBlobStore store_;
};

class RedisGenerationsTest : public ::testing::Test {
 protected:
  Lease Acquire(LeaseManager& leases) { return RunOnLoop(loop_.context(), leases.Acquire("a")); }
  std::uint64_t StoreMicros() const {
    return static_cast<std::uint64_t>(absl::ToUnixMicros(store_clock_.Now()));
  }

  EventLoop loop_;
  FakeClock store_clock_;
  FakeClock clock_;
  FleetClock fleet_clock_{clock_};
  FlakyStore store_{store_clock_};
  GenerationFloors floors_;
  std::atomic<std::uint64_t> own_floor_{0};
  RedisGenerations leases_{store_, [](const std::string& key) { return "opaque-" + key; },
                           fleet_clock_, floors_, own_floor_};
  RedisGenerations other_loop_{store_, [](const std::string& key) { return "opaque-" + key; },
                               fleet_clock_, floors_, own_floor_};
};

TEST_F(RedisGenerationsTest, TheStoreHandsTheGenerationOut) {
  clock_.JumpWall(absl::Hours(5));
  const Lease lease = Acquire(leases_);
  EXPECT_EQ(lease.state, Lease::State::kAcquired);
  EXPECT_EQ(lease.generation, StoreMicros());
  EXPECT_EQ(store_.asked_for, "opaque-a");
  RunOnLoop(loop_.context(), leases_.Release("a", lease));
}

TEST_F(RedisGenerationsTest, WithoutTheStoreItIsThisReplicasClockOnTheFleetsTime) {
  store_.away = true;
  clock_.JumpWall(absl::Seconds(8));
  fleet_clock_.Set({store_clock_.Now(), clock_.Boot()});
  const Lease lease = Acquire(leases_);
  EXPECT_EQ(lease.state, Lease::State::kError);
  EXPECT_EQ(lease.generation, StoreMicros());
}

TEST_F(RedisGenerationsTest, WithoutTheStoreEveryGenerationIsGreaterThanTheLastOnAllLoops) {
  store_.away = true;
  std::uint64_t last = 0;
  for (int i = 0; i < 10; ++i) {
    const std::uint64_t generation = Acquire(i % 2 == 0 ? leases_ : other_loop_).generation;
    EXPECT_GT(generation, last);
    last = generation;
    if (i == 5) clock_.JumpWall(absl::Hours(-1));
  }
}

TEST_F(RedisGenerationsTest, TheStoresNextGenerationIsGreaterThanWhatWasMadeWithoutIt) {
  clock_.JumpWall(absl::Seconds(8));
  store_.away = true;
  const std::uint64_t own = Acquire(leases_).generation;
  store_.away = false;
  const Lease lease = Acquire(other_loop_);
  EXPECT_EQ(lease.state, Lease::State::kAcquired);
  EXPECT_GT(lease.generation, own);
}

TEST_F(RedisGenerationsTest, IsGreaterThanWhatThisProcessHasSeenOfTheKey) {
  const std::uint64_t seen = StoreMicros() + kMaxGenerationLead - 1;
  ASSERT_TRUE(floors_.Raise("a", seen));
  // The store has lost it.
  EXPECT_EQ(Acquire(leases_).generation, seen + 1);
  store_.away = true;
  EXPECT_EQ(Acquire(leases_).generation, seen + 1);
  EXPECT_EQ(RunOnLoop(loop_.context(), leases_.Acquire("b")).generation, StoreMicros() + 1);
}

TEST_F(RedisGenerationsTest, AnAnswerThatNoStoreOfOursGivesIsNone) {
  store_.says = kMaxGeneration;
  const Lease lease = Acquire(leases_);
  EXPECT_EQ(lease.state, Lease::State::kError);
  EXPECT_EQ(lease.generation, StoreMicros());
  // What somebody left there is counted on from, as long as it is within reason.
  store_.says = StoreMicros() + kMaxGenerationLead + 1;
  EXPECT_EQ(Acquire(leases_).state, Lease::State::kAcquired);
}

}  // namespace
}  // namespace tokensvc::testing
