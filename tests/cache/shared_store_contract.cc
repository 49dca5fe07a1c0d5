// SPDX-License-Identifier: Apache-2.0
#include "tests/cache/shared_store_contract.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tokensvc::testing {

RecordPtr SharedStoreContractTest::Record(absl::string_view token, std::uint64_t generation,
                                          absl::Duration life) {
  const Clock& clock = host_->clock();
  TokenRecord::Fields fields;
  fields.token = token;
  fields.granted_scopes = "granted/.default";
  fields.expires_at = absl::FromUnixMillis(absl::ToUnixMillis(clock.Now() + life));
  fields.refresh_at = absl::FromUnixMillis(absl::ToUnixMillis(clock.Now() + life / 2));
  fields.usable_until = clock.Boot() + ToNanos(life);
  fields.due = clock.Boot() + ToNanos(life / 2);
  fields.generation = generation;
  return TokenRecord::Make(fields);
}

void SharedStoreContractTest::Put(const RecordName& name, RecordPtr record) {
  absl::Status done;
  for (int left = host_->tries(); left > 0; --left) {
    done = host_->Put(host_->store(), name, record);
    if (done.ok()) return;
  }
  FAIL() << done;
}

RecordPtr SharedStoreContractTest::Find(SharedStore& store, const RecordName& name) {
  for (int left = host_->tries(); left > 0; --left) {
    auto found = host_->GetMany(store, {name});
    EXPECT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].ok() || host_->tries() > 1) << found[0].status();
    if (found[0].ok() && *found[0] != nullptr) return *found[0];
  }
  return nullptr;
}

std::string SharedStoreContractTest::Token(SharedStore& store, const RecordName& name) {
  const RecordPtr found = Find(store, name);
  return found == nullptr ? "" : std::string(found->RevealToken());
}

namespace {

TEST_P(SharedStoreContractTest, FindsNothingUnderANameThatWasNeverPut) {
  Put(name_, Record("token"));
  EXPECT_EQ(Token(host_->store(), {"another key", "contoso"}), "");
  EXPECT_EQ(Token(host_->other_replica(), {"another key", "contoso"}), "");
}

TEST_P(SharedStoreContractTest, NoNamesAreNoRecords) {
  EXPECT_TRUE(host_->GetMany(host_->store(), {}).empty());
}

TEST_P(SharedStoreContractTest, BothReplicasFindAllOfWhatWasPut) {
  const RecordPtr put = Record("token");
  Put(name_, put);
  for (SharedStore* store : {&host_->store(), &host_->other_replica()}) {
    const RecordPtr found = Find(*store, name_);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->RevealToken(), "token");
    EXPECT_EQ(found->granted_scopes(), "granted/.default");
    EXPECT_EQ(found->generation(), 10u);
    // To what reading two clocks one after the other takes.
    EXPECT_LE(absl::AbsDuration(found->expires_at() - put->expires_at()), absl::Seconds(1));
    EXPECT_LE(absl::AbsDuration(found->refresh_at() - put->refresh_at()), absl::Seconds(1));
    EXPECT_LE(found->usable_until(), put->usable_until() + std::chrono::seconds(1));
  }
}

TEST_P(SharedStoreContractTest, KeepsEveryByteOfATokenHoweverLongItIs) {
  std::string token;
  for (int byte = 0; byte < 256; ++byte) token.push_back(static_cast<char>(byte));
  for (const std::size_t size : {std::size_t{1}, token.size(), std::size_t{20'000}}) {
    const RecordName name{absl::StrCat("key of ", size), "contoso"};
    std::string long_token = token;
    long_token.resize(size, 'x');
    Put(name, Record(long_token));
    EXPECT_EQ(Token(host_->other_replica(), name), long_token) << size;
  }
}

TEST_P(SharedStoreContractTest, AnswersManyNamesInTheirOrder) {
  std::vector<RecordName> names;
  for (int i = 0; i < 20; ++i) {
    names.push_back({absl::StrCat("key ", i), absl::StrCat("tenant ", i % 3)});
    if (i % 2 == 0) Put(names[i], Record(absl::StrCat("token ", i)));
  }
  const auto found = host_->GetMany(host_->other_replica(), names);
  ASSERT_EQ(found.size(), names.size());
  int seen = 0;
  for (int i = 0; i < 20; ++i) {
    if (!found[i].ok() || *found[i] == nullptr) continue;
    EXPECT_EQ((*found[i])->RevealToken(), absl::StrCat("token ", i));
    EXPECT_EQ(i % 2, 0);
    ++seen;
  }
  EXPECT_TRUE(seen == 10 || host_->tries() > 1) << seen;
}

TEST_P(SharedStoreContractTest, AGreaterGenerationReplaces) {
  Put(name_, Record("old", 10));
  Put(name_, Record("new", 11));
  EXPECT_EQ(Token(host_->store(), name_), "new");
  EXPECT_EQ(Token(host_->other_replica(), name_), "new");
}

TEST_P(SharedStoreContractTest, ASmallerGenerationDoesNot) {
  Put(name_, Record("new", 11));
  // Whether that is an error is the store's affair; what stands is not.
  host_->Put(host_->store(), name_, Record("old", 10)).IgnoreError();
  EXPECT_EQ(Token(host_->store(), name_), "new");
  EXPECT_EQ(Token(host_->other_replica(), name_), "new");
}

TEST_P(SharedStoreContractTest, NeverFindsWhatHasExpired) {
  Put(name_, Record("token", 10, absl::Milliseconds(300)));
  host_->Wait(absl::Milliseconds(400));
  EXPECT_EQ(Token(host_->store(), name_), "");
  EXPECT_EQ(Token(host_->other_replica(), name_), "");
}

TEST_P(SharedStoreContractTest, WhatHasExpiredHindersNobody) {
  Put(name_, Record("old", 10, absl::Milliseconds(300)));
  host_->Wait(absl::Milliseconds(400));
  Put(name_, Record("new", 11));
  EXPECT_EQ(Token(host_->other_replica(), name_), "new");
}

}  // namespace
}  // namespace tokensvc::testing
