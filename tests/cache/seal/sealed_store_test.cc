// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/sealed_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/cache/seal/sample_tokens.h"
#include "tests/cache/seal/sealed_store_fixture.h"

namespace tokensvc {
namespace {

using testing::Await;
using testing::IndexLine;
using testing::Replica;
using testing::SealedStoreTest;
using testing::SealingLine;

TEST_F(SealedStoreTest, OneReplicaFindsWhatAnotherStored) {
  EXPECT_EQ(b_.Get(name_), "");
  ASSERT_TRUE(a_.Put(name_, Record("token of a")).ok());
  const auto found = Await(b_.store->GetMany({name_}));
  ASSERT_TRUE(found[0].ok());
  ASSERT_NE(*found[0], nullptr);
  EXPECT_EQ((*found[0])->RevealToken(), "token of a");
  EXPECT_EQ((*found[0])->granted_scopes(), "granted/.default");
  EXPECT_EQ((*found[0])->generation(), 10u);
  EXPECT_EQ(b_.Refused(), 0);
}

TEST_F(SealedStoreTest, AsksForManyInOneRoundTripAndKeepsTheirOrder) {
  std::vector<RecordName> names;
  for (int i = 0; i < 10; ++i) {
    names.push_back({absl::StrCat("key ", i), absl::StrCat("tenant ", i % 3)});
    if (i % 2 == 0) {
      ASSERT_TRUE(a_.Put(names[i], Record(absl::StrCat("token ", i))).ok());
    }
  }
  const auto found = Await(b_.store->GetMany(names));
  ASSERT_EQ(found.size(), 10u);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(found[i].ok());
    ASSERT_EQ(*found[i] != nullptr, i % 2 == 0) << i;
    if (*found[i] == nullptr) continue;
    EXPECT_EQ((*found[i])->RevealToken(), absl::StrCat("token ", i));
  }
  EXPECT_THAT(b_.blobs.TakeReads(), ::testing::ElementsAre(10u));
}

TEST_F(SealedStoreTest, NoNamesAreNoRecords) { EXPECT_TRUE(Await(a_.store->GetMany({})).empty()); }

TEST_F(SealedStoreTest, NothingThatStandsInTheStoreTellsAnything) {
  testing::FakeRandom random(5);
  const std::string token = testing::EntraToken(random, 1500);
  const RecordName name{"CANARY-client-id CANARY-scope", "CANARY-tenant"};
  ASSERT_TRUE(a_.Put(name, Record(token)).ok());
  ASSERT_TRUE(a_.Put({"CANARY-other", "CANARY-tenant"}, Record("CANARY-opaque-token")).ok());
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  ASSERT_EQ(shared_->Keys().size(), 3u);
  for (const std::string& key : shared_->Keys()) {
    const std::string text = absl::StrCat(key, " ", *shared_->Get(key));
    for (const char* canary : {"CANARY", "granted", ".default", "fleet", "contoso", "eyJ"}) {
      EXPECT_FALSE(absl::StrContains(text, canary)) << canary;
    }
    EXPECT_TRUE(key == "tokensvc:check" || absl::StartsWith(key, "tokensvc:v:")) << key;
    for (std::size_t at = 0; at + 16 <= token.size(); at += 8) {
      EXPECT_FALSE(absl::StrContains(text, token.substr(at, 16)));
    }
  }
}

TEST_F(SealedStoreTest, ABlobIsSmallerThanItsToken) {
  testing::FakeRandom random(5);
  for (const std::size_t size : {1500u, 2048u}) {
    const std::string token = testing::EntraToken(random, size);
    const RecordName name{absl::StrCat(size), "contoso"};
    ASSERT_TRUE(a_.Put(name, Record(token)).ok());
    const std::size_t blob = shared_->Get(a_.store->StoreKey(name.key))->size();
    const double ratio = static_cast<double>(blob) / static_cast<double>(token.size());
    std::cout << "[          ] blob: " << blob << " B for a token of " << token.size() << " B, "
              << ratio << "\n";
    EXPECT_LT(ratio, 1.0);
  }
}

TEST_F(SealedStoreTest, SwappedRecordsAreMisses) {
  const RecordName other_key{"another key", "contoso"};
  const RecordName other_tenant{"third key", "fabrikam"};
  for (const RecordName& name : {name_, other_key, other_tenant}) {
    ASSERT_TRUE(a_.Put(name, Record("token of " + name.key)).ok());
  }
  for (const RecordName& name : {other_key, other_tenant}) {
    shared_->Overwrite(a_.store->StoreKey(name_.key), *shared_->Get(a_.store->StoreKey(name.key)));
    EXPECT_EQ(b_.Get(name_), "");
  }
  EXPECT_EQ(b_.Refused("forged"), 2);
  EXPECT_EQ(b_.logger.Count("sealed_record_refused"), 1u);
}

TEST_F(SealedStoreTest, ARecordReadForAnotherPartitionIsAMiss) {
  ASSERT_TRUE(a_.Put(name_, Record("token")).ok());
  EXPECT_EQ(b_.Get({name_.key, "fabrikam"}), "");
  EXPECT_EQ(b_.Refused("forged"), 1);
}

TEST_F(SealedStoreTest, WhatSomebodyWroteIsAMissCountedByItsCause) {
  ASSERT_TRUE(a_.Put(name_, Record("token")).ok());
  const std::string key = a_.store->StoreKey(name_.key);
  const std::string blob = *shared_->Get(key);
  std::string flipped = blob;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  std::string newer = blob;
  newer[0] = 2;
  std::string unknown = blob;
  unknown[3] = static_cast<char>(unknown[3] ^ 1);
  const struct {
    std::string bytes;
    const char* cause;
  } cases[] = {{flipped, "forged"},      {newer, "unknown_format"},
               {unknown, "unknown_key"}, {blob.substr(0, 40), "malformed"},
               {"", "malformed"},        {blob.substr(0, blob.size() - 1), "forged"}};
  for (const auto& c : cases) {
    const std::int64_t before = b_.Refused(c.cause);
    shared_->Overwrite(key, c.bytes);
    EXPECT_EQ(b_.Get(name_), "") << c.cause;
    EXPECT_EQ(b_.Refused(c.cause), before + 1) << c.cause;
  }
  EXPECT_EQ(b_.logger.Count("sealed_record_refused"), 4u);
  shared_->Overwrite(key, blob);
  EXPECT_EQ(b_.Get(name_), "token");
}

TEST_F(SealedStoreTest, AnOlderRecordThatIsPutBackIsAMiss) {
  ASSERT_TRUE(a_.Put(name_, Record("old", 10)).ok());
  const std::string key = a_.store->StoreKey(name_.key);
  const std::string old = *shared_->Get(key);
  ASSERT_TRUE(a_.Put(name_, Record("new", 11)).ok());
  EXPECT_EQ(b_.Get(name_), "new");
  shared_->Overwrite(key, old);
  EXPECT_EQ(b_.Get(name_), "");  // It has read the newer one.
  EXPECT_EQ(a_.Get(name_), "");  // It has written the newer one.
  EXPECT_EQ(a_.Refused("stale"), 1);
  EXPECT_EQ(b_.Refused("stale"), 1);
}

TEST_F(SealedStoreTest, AnOlderRecordThatAFullStoreKeptIsAMissAndCountedApart) {
  ASSERT_TRUE(b_.Put(name_, Record("old", 10)).ok());
  const std::string key = a_.store->StoreKey(name_.key);
  const std::string old = *shared_->Get(key);
  a_.blobs.FailWith(absl::ResourceExhaustedError("full"));
  EXPECT_FALSE(a_.Put(name_, Record("new", 11)).ok());
  a_.blobs.FailWith(absl::OkStatus());
  EXPECT_EQ(a_.Get(name_), "");  // It has seen the newer one.
  EXPECT_EQ(a_.Refused("superseded"), 1);
  EXPECT_EQ(a_.Refused("stale"), 0);
  // Once the newer one was there, the older one comes back through somebody.
  ASSERT_TRUE(a_.Put(name_, Record("new", 11)).ok());
  shared_->Overwrite(key, old);
  EXPECT_EQ(a_.Get(name_), "");
  EXPECT_EQ(a_.Refused("stale"), 1);
}

TEST_F(SealedStoreTest, ARecordThatBecameOldWhileItWasReadIsAMissAndNobodysDoing) {
  ASSERT_TRUE(a_.Put(name_, Record("old", 10)).ok());
  b_.blobs.DuringRead([this] { b_.floors.Raise(name_.key, 11); });
  EXPECT_EQ(b_.Get(name_), "");
  EXPECT_EQ(b_.Refused(), 0);
}

TEST_F(SealedStoreTest, AnOlderRecordDoesNotReplaceANewerOne) {
  ASSERT_TRUE(a_.Put(name_, Record("new", 11)).ok());
  EXPECT_TRUE(b_.Put(name_, Record("old", 10)).ok());
  EXPECT_TRUE(a_.Put(name_, Record("old", 10)).ok());
  EXPECT_EQ(a_.Get(name_), "new");
}

TEST_F(SealedStoreTest, WhatSomebodyWroteWithTheGreatestGenerationIsOverwrittenAndCounted) {
  SealedHeader header;
  header.generation = kMaxGeneration;
  shared_->Overwrite(a_.store->StoreKey(name_.key), header.Write() + std::string(100, 'x'));
  EXPECT_EQ(a_.Get(name_), "");
  for (const std::uint64_t generation : {10, 11}) {
    ASSERT_TRUE(a_.Put(name_, Record("ours", generation)).ok());
    EXPECT_EQ(b_.Get(name_), "ours");
  }
  EXPECT_EQ(a_.Refused("ahead"), 1);
  EXPECT_EQ(b_.Refused(), 0);
}

TEST_F(SealedStoreTest, ExpiredRecordsAreMissesAndNotStored) {
  ASSERT_TRUE(a_.Put(name_, Record("token")).ok());
  clock_.Advance(absl::Minutes(59));
  EXPECT_EQ(b_.Get(name_), "");
  EXPECT_EQ(b_.Refused(), 0);
  auto record = Record("late");
  clock_.Advance(absl::Minutes(59));
  shared_->Flush();
  EXPECT_TRUE(a_.Put(name_, record).ok());
  EXPECT_TRUE(shared_->Keys().empty());
}

TEST_F(SealedStoreTest, StoresUntilTheExpiryOnTheFleetsClock) {
  a_.fleet_clock.Set({clock_.Now() - absl::Seconds(4), clock_.Boot()});
  const auto record = Record("token");
  ASSERT_TRUE(a_.Put(name_, record).ok());
  EXPECT_EQ(a_.blobs.last_expiry(), record->expires_at() - absl::Seconds(4));
}

TEST_F(SealedStoreTest, AWallClockThatIsSetBackBeforeItIsReadMakesNoTokenYounger) {
  const auto record = Record("token");
  ASSERT_TRUE(a_.Put(name_, record).ok());
  clock_.Advance(absl::Minutes(58));
  clock_.JumpWall(absl::Seconds(-9));
  const auto found = Await(b_.store->GetMany({name_}));
  ASSERT_NE(found[0].value(), nullptr);
  EXPECT_EQ((*found[0])->usable_until(), record->usable_until());
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(b_.Get(name_), "");
}

TEST_F(SealedStoreTest, AWallClockThatIsSetForwardBeforeAStoreMakesNoTokenYounger) {
  const auto record = Record("token");
  clock_.JumpWall(absl::Seconds(9));
  ASSERT_TRUE(a_.Put(name_, record).ok());
  EXPECT_EQ(a_.blobs.last_expiry(), record->expires_at());
  clock_.JumpWall(absl::Seconds(-9));
  const auto found = Await(b_.store->GetMany({name_}));
  ASSERT_NE(found[0].value(), nullptr);
  EXPECT_EQ((*found[0])->usable_until(), record->usable_until());
  EXPECT_EQ((*found[0])->expires_at(), record->expires_at());
}

TEST_F(SealedStoreTest, NothingIsReadOrWrittenBeforeTheFleetsClockIsKnown) {
  ASSERT_TRUE(a_.Put(name_, Record("token")).ok());
  b_.fleet_clock.Forget();
  const auto found = Await(b_.store->GetMany({name_, name_}));
  ASSERT_EQ(found.size(), 2u);
  for (const auto& each : found) {
    EXPECT_EQ(each.status().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_TRUE(b_.blobs.TakeReads().empty());
  EXPECT_EQ(b_.Put({"other", "contoso"}, Record("token")).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(shared_->Keys().size(), 1u);
}

TEST_F(SealedStoreTest, NothingIsReadOrWrittenWhileTheClocksAreFarApart) {
  ASSERT_TRUE(a_.Put(name_, Record("token")).ok());
  for (const int jump : {-3600, -11, 11, 3600}) {
    clock_.JumpWall(absl::Seconds(jump));
    EXPECT_EQ(Await(b_.store->GetMany({name_}))[0].status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(b_.Put({"other", "contoso"}, Record("token")).code(), absl::StatusCode::kUnavailable);
    clock_.JumpWall(absl::Seconds(-jump));
  }
  EXPECT_EQ(shared_->Keys().size(), 1u);
  // Set while an answer is on its way.
  b_.blobs.DuringRead([&] { clock_.JumpWall(absl::Minutes(-10)); });
  EXPECT_EQ(Await(b_.store->GetMany({name_}))[0].status().code(), absl::StatusCode::kUnavailable);
  b_.blobs.DuringRead([&] { clock_.JumpWall(absl::ZeroDuration()); });
  clock_.JumpWall(absl::Minutes(10));
  EXPECT_EQ(b_.Get(name_), "token");
}

TEST_F(SealedStoreTest, AnExpiredRecordThatIsPutBackIsNotServedWhateverTimeTheStoreClaims) {
  ASSERT_TRUE(a_.Put(name_, Record("token")).ok());
  const std::string key = a_.store->StoreKey(name_.key);
  const std::string blob = *shared_->Get(key);
  clock_.Advance(absl::Minutes(59));
  for (const int behind : {0, 5, 10, 11, 3600}) {
    shared_->Overwrite(key, blob);
    b_.fleet_clock.Set({clock_.Now() - absl::Seconds(behind), clock_.Boot()});
    EXPECT_EQ(b_.Get(name_), "") << behind;
  }
}

TEST_F(SealedStoreTest, ErrorsOfTheStoreAreErrorsPerName) {
  b_.blobs.FailWith(absl::UnavailableError("down"));
  const auto found = Await(b_.store->GetMany({name_, name_}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(b_.Put(name_, Record("token")).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Await(b_.store->CheckKeys()).code(), absl::StatusCode::kUnavailable);
}

TEST_F(SealedStoreTest, RefusesToStoreWhatIsTooLargeOrOutOfRange) {
  EXPECT_EQ(a_.Put(name_, Record(std::string(RecordCodec::kMaxTokenBytes + 1, 'x'))).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(a_.Put(name_, Record("token", kMaxGeneration + 1)).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(shared_->Keys().empty());
}

TEST_F(SealedStoreTest, FleetsOfOtherKeyspacesSeeNothingOfEachOther) {
  Replica other(shared_, clock_, 103, "another fleet");
  ASSERT_TRUE(a_.Put(name_, Record("token")).ok());
  EXPECT_EQ(other.Get(name_), "");
  EXPECT_EQ(other.Refused(), 0);
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  EXPECT_EQ(Await(other.store->CheckKeys()).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SealedStoreTest, ReplicasOfTheSameKeysAgree) {
  for (Replica* replica : {&a_, &b_, &a_}) EXPECT_TRUE(Await(replica->store->CheckKeys()).ok());
  EXPECT_TRUE(a_.logger.lines().empty());
}

TEST_F(SealedStoreTest, AReplicaWithOtherKeysIsToldAndLogsItOnce) {
  b_.keys.Set(SealingLine(KeyState::kPrimary, 1), IndexLine(KeyState::kPrimary, 9));
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Await(b_.store->CheckKeys()).code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(b_.logger.Count("keys_disagree"), 1u);
  b_.keys.Set(SealingLine(KeyState::kPrimary, 1), IndexLine(KeyState::kPrimary, 2));
  EXPECT_TRUE(Await(b_.store->CheckKeys()).ok());
  EXPECT_EQ(b_.logger.Count("keys_agree"), 1u);
}

TEST_F(SealedStoreTest, ACheckValueThatIsNoneIsADisagreement) {
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  const std::string value = *shared_->Get("tokensvc:check");
  for (std::size_t byte = 0; byte < value.size(); ++byte) {
    std::string altered = value;
    altered[byte] = static_cast<char>(altered[byte] ^ 1);
    shared_->Overwrite("tokensvc:check", altered);
    EXPECT_FALSE(Await(a_.store->CheckKeys()).ok()) << byte;
  }
  shared_->Overwrite("tokensvc:check", "x");
  EXPECT_FALSE(Await(a_.store->CheckKeys()).ok());
}

TEST_F(SealedStoreTest, AReplicaWithOtherSealingKeysIsToldToo) {
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  b_.keys.Set(SealingLine(KeyState::kPrimary, 9), IndexLine(KeyState::kPrimary, 2));
  EXPECT_EQ(Await(b_.store->CheckKeys()).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(b_.agreement.FitForService());
}

// One that has agreed is not the wrong one: it stays in service, and shares nothing meanwhile.
TEST_F(SealedStoreTest, AForeignCheckValueAfterAFlushStopsSharingAndNotTheReplica) {
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  ASSERT_TRUE(a_.Put(name_, Record("token")).ok());
  Replica wrong(shared_, clock_, 103, "another fleet");
  shared_->Flush();
  ASSERT_TRUE(Await(wrong.store->CheckKeys()).ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Await(a_.store->CheckKeys()).code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(a_.agreement.FitForService());
    EXPECT_TRUE(a_.agreement.disagrees());
  }
  EXPECT_EQ(a_.logger.Count("keys_disagree"), 1u);
  a_.blobs.TakeReads();
  const auto found = Await(a_.store->GetMany({name_, name_}));
  ASSERT_EQ(found.size(), 2u);
  for (const auto& each : found) {
    EXPECT_EQ(each.status().code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_TRUE(a_.blobs.TakeReads().empty());
  EXPECT_EQ(a_.Put(name_, Record("token", 11)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(shared_->Get(a_.store->StoreKey(name_.key)).has_value());

  // The wrong replica ends, and its value with it.
  clock_.Advance(SealedStore::kCheckValueLife - absl::Seconds(1));
  EXPECT_FALSE(Await(a_.store->CheckKeys()).ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Await(a_.store->CheckKeys()).ok());
  EXPECT_EQ(a_.logger.Count("keys_agree"), 1u);
  EXPECT_TRUE(a_.Put(name_, Record("token", 12)).ok());
  EXPECT_TRUE(Await(b_.store->CheckKeys()).ok());
  EXPECT_EQ(b_.Get(name_), "token");
}

TEST_F(SealedStoreTest, WhoAgreesKeepsTheCheckValueAlive) {
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  ASSERT_TRUE(Await(b_.store->CheckKeys()).ok());
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(SealedStore::kCheckValueLife - absl::Seconds(1));
    ASSERT_TRUE(Await(b_.store->CheckKeys()).ok());
  }
  Replica wrong(shared_, clock_, 103, "another fleet");
  EXPECT_EQ(Await(wrong.store->CheckKeys()).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(wrong.agreement.FitForService());
}

TEST_F(SealedStoreTest, AReplicaThatIsGivenOtherKeysDoesNotReplaceTheFleetsCheckValue) {
  ASSERT_TRUE(Await(a_.store->CheckKeys()).ok());
  ASSERT_TRUE(Await(b_.store->CheckKeys()).ok());
  b_.keys.Set(SealingLine(KeyState::kPrimary, 8), IndexLine(KeyState::kPrimary, 9));
  EXPECT_EQ(Await(b_.store->CheckKeys()).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Await(a_.store->CheckKeys()).ok());
}

}  // namespace
}  // namespace tokensvc
