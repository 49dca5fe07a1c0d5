// SPDX-License-Identifier: Apache-2.0
// Keys rotate while replicas read and write, each replica at its own time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/cache/seal/sealed_store_fixture.h"

namespace tokensvc {
namespace {

using testing::Await;
using ::testing::ElementsAre;
using testing::IndexLine;
using testing::Replica;
using testing::SealedStoreTest;
using testing::SealingLine;

constexpr KeyState kPending = KeyState::kPending;
constexpr KeyState kPrimary = KeyState::kPrimary;
constexpr KeyState kRetired = KeyState::kRetired;

class RotationTest : public SealedStoreTest {
 protected:
  // The three stages of a rotation from key 1 (sealing) or 2 (index) to key 3.
  const std::string sealing_stages_[4] = {
      SealingLine(kPrimary, 1),
      SealingLine(kPrimary, 1) + SealingLine(kPending, 3),
      SealingLine(kRetired, 1) + SealingLine(kPrimary, 3),
      SealingLine(kPrimary, 3),
  };
  const std::string index_stages_[4] = {
      IndexLine(kPrimary, 2),
      IndexLine(kPrimary, 2) + IndexLine(kPending, 3),
      IndexLine(kRetired, 2) + IndexLine(kPrimary, 3),
      IndexLine(kPrimary, 3),
  };

  void SetSealing(Replica& replica, int stage) {
    replica.keys.Set(sealing_stages_[stage], index_stages_[0]);
  }
  void SetIndex(Replica& replica, int stage) {
    replica.keys.Set(sealing_stages_[0], index_stages_[stage]);
  }

  // Each replica writes a record of its own, and the other one reads it.
  void ExpectBothDirectionsReadable() {
    ++generation_;
    const RecordName of_a{absl::StrCat("of a ", generation_), "contoso"};
    const RecordName of_b{absl::StrCat("of b ", generation_), "contoso"};
    ASSERT_TRUE(a_.Put(of_a, Record("token of a", generation_)).ok());
    ASSERT_TRUE(b_.Put(of_b, Record("token of b", generation_)).ok());
    EXPECT_EQ(b_.Get(of_a), "token of a");
    EXPECT_EQ(a_.Get(of_b), "token of b");
    EXPECT_EQ(a_.Refused() + b_.Refused(), 0);
  }

  std::uint64_t generation_ = 10;
};

TEST_F(RotationTest, OfTheSealingKeyKeepsEveryRecordReadableAtEveryStage) {
  ExpectBothDirectionsReadable();
  ASSERT_TRUE(a_.Put(name_, Record("written before")).ok());
  for (int stage = 1; stage <= 2; ++stage) {
    SetSealing(a_, stage);
    ExpectBothDirectionsReadable();
    SetSealing(b_, stage);
    ExpectBothDirectionsReadable();
    EXPECT_EQ(a_.Get(name_), "written before");
    EXPECT_EQ(b_.Get(name_), "written before");
  }
  SetSealing(a_, 3);
  ExpectBothDirectionsReadable();
  // Dropped before its time: a miss, as the log says.
  EXPECT_EQ(a_.Get(name_), "");
  EXPECT_EQ(a_.Refused("unknown_key"), 1);
}

TEST_F(RotationTest, ToAPrimaryKeyThatAnotherReplicaNeverGotIsAMissThere) {
  SetSealing(a_, 2);
  ASSERT_TRUE(a_.Put(name_, Record("token")).ok());
  EXPECT_EQ(b_.Get(name_), "");
  EXPECT_EQ(b_.Refused("unknown_key"), 1);
}

TEST_F(RotationTest, OfTheIndexKeyReadsUnderTheKeyBeforeOnlyWhatIsMissing) {
  const RecordName unknown{"unknown", "contoso"};
  const RecordName later{"later", "contoso"};
  ASSERT_TRUE(a_.Put(name_, Record("written before")).ok());
  SetIndex(a_, 1);
  EXPECT_EQ(a_.Get(unknown), "");
  EXPECT_THAT(a_.blobs.TakeReads(), ElementsAre(1u));
  SetIndex(a_, 2);
  ASSERT_TRUE(a_.Put(later, Record("written later")).ok());
  const auto found = Await(a_.store->GetMany({later, name_, unknown}));
  EXPECT_EQ(found[0].value()->RevealToken(), "written later");
  EXPECT_EQ(found[1].value()->RevealToken(), "written before");
  EXPECT_EQ(found[2].value(), nullptr);
  EXPECT_THAT(a_.blobs.TakeReads(), ElementsAre(3u, 2u));
  EXPECT_EQ(a_.Get(later), "written later");
  EXPECT_THAT(a_.blobs.TakeReads(), ElementsAre(1u));
  SetIndex(a_, 3);
  EXPECT_EQ(a_.Get(name_), "");
  EXPECT_THAT(a_.blobs.TakeReads(), ElementsAre(1u));
}

TEST_F(RotationTest, OfTheIndexKeyNeverGoesBackToTheOlderRecordUnderTheKeyBefore) {
  ASSERT_TRUE(b_.Put(name_, Record("old", 10)).ok());
  SetIndex(a_, 2);
  ASSERT_TRUE(a_.Put(name_, Record("new", 11)).ok());
  EXPECT_EQ(a_.Get(name_), "new");
  shared_->Overwrite(a_.store->StoreKey(name_.key), "garbage");
  EXPECT_EQ(a_.Get(name_), "");
  EXPECT_EQ(a_.Refused("stale"), 1);
}

TEST_F(RotationTest, OfTheIndexKeyIsNoDisagreementAtAnyStage) {
  for (int stage = 0; stage <= 3; ++stage) {
    SetIndex(a_, stage);
    EXPECT_TRUE(Await(a_.store->CheckKeys()).ok()) << stage;
    EXPECT_TRUE(Await(b_.store->CheckKeys()).ok()) << stage;
    SetIndex(b_, stage);
    EXPECT_TRUE(Await(a_.store->CheckKeys()).ok()) << stage;
    EXPECT_TRUE(Await(b_.store->CheckKeys()).ok()) << stage;
  }
}

TEST_F(RotationTest, OfTheIndexKeyMovesTheCheckValueToTheNewKey) {
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  SetIndex(a_, 2);
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  // B never got the new key.
  EXPECT_EQ(Await(b_.store->CheckKeys()).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RotationTest, OfTheSealingKeyIsNoDisagreementAtAnyStage) {
  for (int stage = 0; stage <= 3; ++stage) {
    for (Replica* replica : {&a_, &b_}) {
      SetSealing(*replica, stage);
      EXPECT_TRUE(Await(a_.store->CheckKeys()).ok()) << stage;
      EXPECT_TRUE(Await(b_.store->CheckKeys()).ok()) << stage;
    }
  }
}

TEST_F(RotationTest, OfTheSealingKeyMovesTheCheckValueToTheNewKey) {
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  SetSealing(a_, 2);
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  // B never got the new key.
  EXPECT_EQ(Await(b_.store->CheckKeys()).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RotationTest, BackToTheKeyBeforeKeepsReplicasInAgreement) {
  for (int i = 0; i < 3; ++i) {
    for (Replica* replica : {&a_, &b_}) {
      replica->keys.Set(sealing_stages_[0], IndexLine(kRetired, 2) + IndexLine(kPrimary, 3));
      EXPECT_TRUE(Await(replica->store->CheckKeys()).ok());
    }
    for (Replica* replica : {&a_, &b_}) {
      replica->keys.Set(sealing_stages_[0], IndexLine(kPrimary, 2) + IndexLine(kRetired, 3));
      EXPECT_TRUE(Await(replica->store->CheckKeys()).ok());
    }
  }
}

}  // namespace
}  // namespace tokensvc
