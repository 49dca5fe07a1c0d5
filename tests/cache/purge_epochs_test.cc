// SPDX-License-Identifier: Apache-2.0
#include "cache/purge_epochs.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "cache/local_cache.h"
#include "gtest/gtest.h"
#include "tests/cache/test_records.h"

namespace tokensvc {
namespace {

using testing::At;

const ScopeNames kContoso = {"tenant contoso"};
const ScopeNames kFabrikam = {"tenant fabrikam"};

class PurgeEpochsTest : public ::testing::Test {
 protected:
  /// A record of `scope`, asked for now.
  std::shared_ptr<const TokenRecord> Record(const ScopeNames& scope, const std::string& token = "t",
                                            std::uint64_t generation = 100) const {
    TokenRecord::Fields fields;
    fields.token = token;
    fields.due = At(1000);
    fields.usable_until = At(2000);
    fields.generation = generation;
    fields.purge_tags[1] = PurgeEpochs::TagOf(scope);
    fields.fresh_at = epochs_.changes();
    return TokenRecord::Make(fields);
  }

  PurgeEpochs epochs_;
};

TEST_F(PurgeEpochsTest, APurgeMeetsWhatWasAskedForBeforeItAndNothingElse) {
  const auto before = Record(kContoso), other = Record(kFabrikam);
  EXPECT_TRUE(epochs_.IsFresh(*before));
  epochs_.Raise(kContoso, 5);
  EXPECT_FALSE(epochs_.IsFresh(*before));
  EXPECT_TRUE(epochs_.IsFresh(*other));
  EXPECT_TRUE(epochs_.IsFresh(*Record(kContoso)));
  EXPECT_FALSE(epochs_.IsFresh(*before)) << "for ever";
}

TEST_F(PurgeEpochsTest, ARecordIsComparedAgainOnlyWhenSomethingRose) {
  const auto record = Record(kFabrikam);
  epochs_.Raise(kContoso, 5);
  EXPECT_NE(record->fresh_at(), epochs_.changes());
  EXPECT_TRUE(epochs_.IsFresh(*record));
  EXPECT_EQ(record->fresh_at(), epochs_.changes());
}

TEST_F(PurgeEpochsTest, EpochsOnlyRise) {
  EXPECT_EQ(epochs_.EpochOf(kContoso), 0u);
  EXPECT_EQ(epochs_.Raise(kContoso, 50), 50u);
  EXPECT_EQ(epochs_.Raise(kContoso, 10), 51u);
  EXPECT_FALSE(epochs_.RaiseTo({{{kContoso[0], 20}}, 0}));
  EXPECT_EQ(epochs_.EpochOf(kContoso), 51u);
  EXPECT_TRUE(epochs_.RaiseTo({{{kContoso[0], 60}}, 0}));
  EXPECT_EQ(epochs_.EpochOf(kContoso), 60u);
  EXPECT_FALSE(epochs_.RaiseTo({{{kContoso[0], 60}}, 0})) << "no news";
  EXPECT_FALSE(epochs_.RaiseTo({{{kContoso[0], PurgeEpochs::kMaxEpoch + 1}}, 0}));
}

TEST_F(PurgeEpochsTest, AScopeHasTheGreatestEpochOfItsNames) {
  const ScopeNames rotating = {"new name", kContoso[0]};
  epochs_.Raise(kContoso, 7);
  EXPECT_EQ(epochs_.EpochOf(rotating), 7u);
  EXPECT_EQ(epochs_.Raise(rotating, 1), 8u);
  EXPECT_EQ(epochs_.EpochOf({"new name"}), 8u);
}

TEST_F(PurgeEpochsTest, WhatIsForgottenForWantOfRoomCountsAsPurged) {
  const auto first = Record({"scope 0"}), untouched = Record({"never purged"});
  for (std::uint64_t i = 0; i <= PurgeEpochs::kMaxScopes; ++i) {
    epochs_.Raise({"scope " + std::to_string(i)}, 1000 + i);
  }
  EXPECT_LE(epochs_.size(), PurgeEpochs::kMaxScopes);
  EXPECT_GE(epochs_.floor(), 1000u);
  EXPECT_FALSE(epochs_.IsFresh(*first));
  // It may have been one of those; asked for again, it is as good as any.
  EXPECT_FALSE(epochs_.IsFresh(*untouched));
  EXPECT_TRUE(epochs_.IsFresh(*Record({"never purged"}, "t", 1)));
  EXPECT_EQ(epochs_.EpochOf({"scope 0"}), 0u);
  EXPECT_GT(epochs_.Raise({"scope 0"}, 1), epochs_.floor()) << "never below what it was";
}

TEST_F(PurgeEpochsTest, AFloorOfOthersMeetsOlderGenerations) {
  const auto older = Record(kContoso, "t", 99), newer = Record(kContoso, "t", 100);
  EXPECT_TRUE(epochs_.RaiseTo({{}, 100}));
  EXPECT_FALSE(epochs_.IsFresh(*older));
  EXPECT_TRUE(epochs_.IsFresh(*newer));
  EXPECT_FALSE(epochs_.RaiseTo({{{"shown again", 100}}, 90}));
}

TEST_F(PurgeEpochsTest, ForgettingRecordsMeetsAllOfThem) {
  const auto record = Record(kContoso), without_scopes = Record({});
  epochs_.ForgetRecords();
  EXPECT_FALSE(epochs_.IsFresh(*record));
  EXPECT_FALSE(epochs_.IsFresh(*without_scopes));
  EXPECT_TRUE(epochs_.IsFresh(*Record(kContoso)));
}

TEST_F(PurgeEpochsTest, WhatIsKnownCanBeToldToAnother) {
  epochs_.Raise(kContoso, 5);
  epochs_.RaiseTo({{}, 3});
  PurgeEpochs other;
  EXPECT_TRUE(other.RaiseTo(epochs_.Known()));
  EXPECT_EQ(other.EpochOf(kContoso), 5u);
  EXPECT_EQ(other.floor(), 3u);
}

class LocalCachePurgeTest : public PurgeEpochsTest {
 protected:
  LocalCachePurgeTest() {
    LocalCache::Options options;
    options.metrics = &metrics_;
    options.purges = &epochs_;
    cache_ = std::make_unique<LocalCache>(options);
  }
  MetricRegistry metrics_;
  std::unique_ptr<LocalCache> cache_;
};

TEST_F(LocalCachePurgeTest, WhatWasPurgedIsAMissAndGone) {
  cache_->Store("a", "contoso", Record(kContoso));
  cache_->Store("b", "fabrikam", Record(kFabrikam));
  epochs_.Raise(kContoso, 5);
  EXPECT_EQ(cache_->Peek("a"), nullptr);
  const LocalCache::Hit hit = cache_->Lookup("a", At(1));
  EXPECT_EQ(hit.record, nullptr);
  EXPECT_FALSE(hit.expired);
  EXPECT_NE(cache_->Lookup("b", At(1)).record, nullptr);
  EXPECT_EQ(cache_->size().entries, 1u);
}

TEST_F(LocalCachePurgeTest, WhatWasPurgedDoesNotStandInTheWayOfANewerTokenOfASmallerGeneration) {
  cache_->Store("a", "contoso", Record(kContoso, "old", 200));
  epochs_.Raise(kContoso, 5);
  const auto standing = cache_->Store("a", "contoso", Record(kContoso, "new", 100));
  EXPECT_EQ(standing->RevealToken(), "new");
  EXPECT_EQ(cache_->Lookup("a", At(1)).record->RevealToken(), "new");
}

TEST_F(LocalCachePurgeTest, AFlightThatBeganBeforeThePurgeLeavesNothing) {
  const auto record = Record(kContoso);
  epochs_.Raise(kContoso, 5);
  cache_->Store("a", "contoso", record);
  EXPECT_EQ(cache_->Lookup("a", At(1)).record, nullptr);
}

TEST_F(LocalCachePurgeTest, NoHitFollowsAPurgeWhileManyThreadsLookUp) {
  constexpr int kPurges = 300;
  // What was purged last: every record asked for before is named by a smaller number.
  std::atomic<int> purged{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!done) {
        const int least = purged.load();
        const auto hit = cache_->Lookup("a", At(1)).record;
        if (hit == nullptr) continue;
        EXPECT_GE(std::stoi(std::string(hit->RevealToken())), least);
        EXPECT_NE(cache_->Lookup("b", At(1)).record, nullptr) << "another tenant's";
      }
    });
  }
  cache_->Store("b", "fabrikam", Record(kFabrikam));
  for (int i = 1; i <= kPurges; ++i) {
    cache_->Store("a", "contoso", Record(kContoso, std::to_string(i - 1), 100));
    epochs_.Raise(kContoso, 1);
    purged.store(i);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tokensvc
