// SPDX-License-Identifier: Apache-2.0
// Replicas of two releases share records while the fleet moves from one format to the next. The
// next one exists in this test alone: its number, and nothing else, is another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cache/seal/sealed_store_fixture.h"

namespace tokensvc {
namespace {

using testing::Replica;
using testing::SealedStoreTest;

constexpr SealedFormat kOldRelease[] = {{1}};
constexpr SealedFormat kNewRelease[] = {{1}, {2}};

class FormatUpgradeTest : public SealedStoreTest {
 protected:
  // That `reader` has what `writer` writes.
  void ExpectReads(Replica& reader, Replica& writer) {
    const RecordName name{std::to_string(++records_), "contoso"};
    ASSERT_TRUE(writer.Put(name, Record("token")).ok());
    EXPECT_EQ(reader.Get(name), "token");
    EXPECT_EQ(reader.Refused(), 0);
  }

  Replica old_{shared_, clock_, 1, "fleet", {kOldRelease, 1}};
  Replica new_{shared_, clock_, 2, "fleet", {kNewRelease, 1}};
  Replica moved_{shared_, clock_, 3, "fleet", {kNewRelease, 2}};
  int records_ = 0;
};

TEST_F(FormatUpgradeTest, TheNewReleaseSharesWithTheOldOneUntilItIsToldToWriteTheNewFormat) {
  ExpectReads(old_, new_);
  ExpectReads(new_, old_);
}

TEST_F(FormatUpgradeTest, ReplicasOfTheNewReleaseReadBothFormatsWhileWritersMove) {
  ExpectReads(new_, moved_);
  ExpectReads(moved_, new_);
  ExpectReads(moved_, old_);
  ExpectReads(moved_, moved_);
}

TEST_F(FormatUpgradeTest, TheNewFormatIsAMissToTheOldReleaseWhichOverwritesIt) {
  ASSERT_TRUE(moved_.Put(name_, Record("new", 10)).ok());
  EXPECT_EQ(shared_->Get(moved_.store->StoreKey(name_.key))->front(), 2);
  EXPECT_EQ(old_.Get(name_), "");
  EXPECT_EQ(old_.Refused("unknown_format"), 1);
  ASSERT_TRUE(old_.Put(name_, Record("old", 11)).ok());
  EXPECT_EQ(moved_.Get(name_), "old");
  // Whatever the format, the newer record stands.
  ASSERT_TRUE(moved_.Put(name_, Record("late", 10)).ok());
  EXPECT_EQ(new_.Get(name_), "old");
}

TEST_F(FormatUpgradeTest, ARecordCannotBePassedOffAsOneOfTheOtherFormat) {
  ASSERT_TRUE(new_.Put(name_, Record("token")).ok());
  const std::string key = new_.store->StoreKey(name_.key);
  std::string blob = *shared_->Get(key);
  blob.front() = 2;
  shared_->Overwrite(key, blob);
  EXPECT_EQ(moved_.Get(name_), "");
  EXPECT_EQ(moved_.Refused("forged"), 1);
}

TEST_F(FormatUpgradeTest, ReplicasCompareTheirKeysWhateverTheyWrite) {
  for (Replica* replica : {&moved_, &old_, &new_}) {
    EXPECT_TRUE(testing::Await(replica->store->CheckKeys()).ok());
  }
}

}  // namespace
}  // namespace tokensvc
