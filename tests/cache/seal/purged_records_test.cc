// SPDX-License-Identifier: Apache-2.0
// What becomes of sealed records when their scopes are purged, here or elsewhere.
#include <string>

#include "gtest/gtest.h"
#include "tests/cache/seal/sealed_store_fixture.h"
#include "tokensvc/cache/v1/token_record.pb.h"

namespace tokensvc {
namespace {

using testing::Await;
using testing::IndexLine;
using testing::Replica;
using testing::SealingLine;

class PurgedRecordsTest : public ::testing::Test {
 protected:
  PurgedRecordsTest() : shared_(std::make_shared<MemoryBlobs>(clock_)) {}

  std::shared_ptr<const TokenRecord> Record(const Replica& replica, const std::string& token,
                                            std::uint64_t generation = 10) const {
    TokenRecord::Fields fields;
    fields.token = token;
    fields.refresh_at = clock_.Now() + absl::Minutes(45);
    fields.expires_at = clock_.Now() + absl::Hours(1);
    fields.due = clock_.Boot() + std::chrono::minutes(45);
    fields.usable_until = clock_.Boot() + std::chrono::minutes(59);
    fields.generation = generation;
    fields.fresh_at = replica.purges.changes();
    return TokenRecord::Make(fields);
  }
  static std::uint64_t Purge(Replica& replica, PurgeKind kind, const std::string& scope,
                             std::uint64_t at_least = 1) {
    return replica.purges.Raise(replica.namer.NamesOf({kind, scope}), at_least);
  }

  testing::FakeClock clock_;
  std::shared_ptr<MemoryBlobs> shared_;
  Replica a_{shared_, clock_, 101};
  Replica b_{shared_, clock_, 102};
  /// As who stores it knows it, and as others ask for it.
  const RecordName stored_{"key", "contoso", "orders", "orders/0"};
  const RecordName asked_{"key", "contoso", "orders", ""};
};

struct Scope {
  PurgeKind kind;
  const char* name;
};

class EachScopeTest : public PurgedRecordsTest, public ::testing::WithParamInterface<Scope> {};

TEST_P(EachScopeTest, ARecordBelowTheEpochIsAMissAndOneAboveItIsNot) {
  ASSERT_TRUE(a_.Put(stored_, Record(a_, "old")).ok());
  ASSERT_EQ(b_.Get(asked_), "old");
  Purge(b_, GetParam().kind, GetParam().name);
  EXPECT_EQ(b_.Get(asked_), "");
  EXPECT_EQ(b_.Refused(), 0) << "no security event";
  // Fetched by a replica that knows of the purge.
  ASSERT_TRUE(b_.Put(stored_, Record(b_, "new", 11)).ok());
  EXPECT_EQ(b_.Get(asked_), "new");
  EXPECT_EQ(a_.Get(asked_), "new");
}

TEST_P(EachScopeTest, AReplicaLearnsOfAPurgeFromARecord) {
  const std::uint64_t epoch = Purge(b_, GetParam().kind, GetParam().name, 1000);
  ASSERT_TRUE(b_.Put(stored_, Record(b_, "new")).ok());
  EXPECT_EQ(a_.Get(asked_), "new");
  EXPECT_EQ(a_.purges.EpochOf(a_.namer.NamesOf({GetParam().kind, GetParam().name})), epoch);
}

INSTANTIATE_TEST_SUITE_P(Scopes, EachScopeTest,
                         ::testing::Values(Scope{PurgeKind::kRegistration, "orders"},
                                           Scope{PurgeKind::kTenant, "contoso"},
                                           Scope{PurgeKind::kCredential, "orders/0"}),
                         [](const auto& scope) {
                           return "Kind" + std::to_string(static_cast<int>(scope.param.kind));
                         });

TEST_F(PurgedRecordsTest, OtherScopesOfTheSameNameAreOthers) {
  ASSERT_TRUE(a_.Put(stored_, Record(a_, "token")).ok());
  Purge(b_, PurgeKind::kTenant, "orders");
  Purge(b_, PurgeKind::kRegistration, "contoso");
  Purge(b_, PurgeKind::kCredential, "orders/1");
  EXPECT_EQ(b_.Get(asked_), "token");
}

TEST_F(PurgedRecordsTest, WhatWasAskedForBeforeThePurgeIsNotStored) {
  Replica& a = a_;
  TokenRecord::Fields fields;
  fields.token = "purged in flight";
  fields.expires_at = fields.refresh_at = clock_.Now() + absl::Hours(1);
  fields.due = fields.usable_until = clock_.Boot() + std::chrono::minutes(59);
  fields.generation = 10;
  fields.fresh_at = a.purges.changes();
  fields.purge_tags[1] = PurgeEpochs::TagOf(a.namer.NamesOf({PurgeKind::kTenant, "contoso"}));
  const auto record = TokenRecord::Make(fields);
  Purge(a, PurgeKind::kTenant, "contoso");
  EXPECT_TRUE(a.Put(stored_, record).ok());
  EXPECT_TRUE(shared_->Keys().empty());
}

TEST_F(PurgedRecordsTest, ARecordThatIsPurgedWhileItIsReadIsAMiss) {
  ASSERT_TRUE(a_.Put(stored_, Record(a_, "token")).ok());
  b_.blobs.DuringRead([&] { Purge(b_, PurgeKind::kTenant, "contoso"); });
  EXPECT_EQ(b_.Get(asked_), "");
}

TEST_F(PurgedRecordsTest, ARecordThatWasReadBeforeAPurgeIsStaleAfterIt) {
  ASSERT_TRUE(a_.Put(stored_, Record(a_, "token")).ok());
  const auto found = Await(b_.store->GetMany({asked_}));
  ASSERT_NE(*found[0], nullptr);
  EXPECT_TRUE(b_.purges.IsFresh(**found[0]));
  Purge(b_, PurgeKind::kCredential, "orders/0");
  EXPECT_FALSE(b_.purges.IsFresh(**found[0]));
}

TEST_F(PurgedRecordsTest, NothingIsReadOrWrittenWhileThePurgesAreNotKnown) {
  ASSERT_TRUE(a_.Put(stored_, Record(a_, "token")).ok());
  b_.purges.SetCurrent(false);
  EXPECT_EQ(Await(b_.store->GetMany({asked_}))[0].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(b_.blobs.TakeReads().empty());
  EXPECT_EQ(b_.Put({"other", "contoso"}, Record(b_, "token")).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(shared_->Keys().size(), 1u);
  // Lost while an answer is on its way.
  b_.purges.SetCurrent(true);
  b_.blobs.DuringRead([&] { b_.purges.SetCurrent(false); });
  EXPECT_EQ(b_.Get(asked_), "");
}

TEST_F(PurgedRecordsTest, OlderThanTheFloorIsAMiss) {
  ASSERT_TRUE(a_.Put(stored_, Record(a_, "token", 50)).ok());
  b_.purges.RaiseTo({{}, 50});
  EXPECT_EQ(b_.Get(asked_), "token");
  b_.purges.RaiseTo({{}, 51});
  EXPECT_EQ(b_.Get(asked_), "");
}

TEST_F(PurgedRecordsTest, ARecordOfAReleaseWithoutPurgesHasEpochZero) {
  RecordCodec codec;
  const FleetInstant now{clock_.Boot(), clock_.Now(), clock_.Now()};
  const auto record = Record(a_, "token");
  const std::optional<Secret> packed = codec.Pack(*record, now);
  ASSERT_TRUE(packed.has_value());
  cache::v1::TokenRecord message;
  const std::string bytes(packed->Reveal());
  ASSERT_TRUE(message.ParseFromString(bytes));
  // No byte more than that release wrote.
  EXPECT_EQ(message.credential(), "");
  EXPECT_EQ(message.ByteSizeLong(), bytes.size());
  PurgeStamp seen{1, 1, 1, "x"};
  bool purged = false;
  const auto look = [&](const PurgeStamp& stamp, TokenRecord::Fields&) {
    seen = stamp;
    return true;
  };
  ASSERT_NE(codec.Unpack(bytes, 1, now, look, &purged), nullptr);
  EXPECT_EQ(seen.registration + seen.tenant + seen.credential_epoch, 0u);
  EXPECT_EQ(seen.credential, "");
}

TEST_F(PurgedRecordsTest, ACredentialsNameHasABound) {
  RecordName name = stored_;
  name.credential = std::string(RecordCodec::kMaxCredentialBytes + 1, 'x');
  EXPECT_EQ(a_.Put(name, Record(a_, "token")).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PurgedRecordsTest, NamesTellNothingAndAPurgeHasOneUnderEveryKey) {
  a_.keys.Set(SealingLine(KeyState::kPrimary, 1),
              IndexLine(KeyState::kPrimary, 2) + IndexLine(KeyState::kPending, 3));
  b_.keys.Set(SealingLine(KeyState::kPrimary, 1),
              IndexLine(KeyState::kRetired, 2) + IndexLine(KeyState::kPrimary, 3));
  const PurgeScope scope{PurgeKind::kTenant, "contoso"};
  const ScopeNames of_a = a_.namer.NamesOf(scope), of_b = b_.namer.NamesOf(scope);
  ASSERT_EQ(of_a.size(), 2u);
  ASSERT_EQ(of_b.size(), 2u);
  EXPECT_EQ(of_a[0], of_b[1]);
  EXPECT_EQ(of_a[1], of_b[0]);
  for (const std::string& name : of_a) {
    EXPECT_EQ(name.size(), 43u);
    EXPECT_EQ(name.find("contoso"), std::string::npos);
  }
  EXPECT_TRUE(a_.namer.NamesOf({PurgeKind::kTenant, ""}).empty());
  // What one of them purges the other knows, whichever key it has as primary.
  ASSERT_TRUE(b_.Put(stored_, Record(b_, "token")).ok());
  a_.purges.Raise(of_a, 1);
  b_.purges.RaiseTo(a_.purges.Known());
  EXPECT_EQ(b_.Get(asked_), "");
}

}  // namespace
}  // namespace tokensvc
