// SPDX-License-Identifier: Apache-2.0
#include "tests/cache/blob_store_contract.h"

#include <gmock/gmock.h>

#include <optional>
#include <utility>
#include <vector>

namespace tokensvc::testing {

std::string MakeBlob(std::uint64_t generation, absl::string_view payload) {
  std::string blob("\x01\x01\x00\x00\x00\x07", 6);
  for (int shift = 56; shift >= 0; shift -= 8) {
    blob.push_back(static_cast<char>(generation >> shift & 0xff));
  }
  blob.append(32, '\0');
  blob.append(payload.data(), payload.size());
  return blob;
}

absl::StatusOr<std::optional<std::string>> BlobStoreContractTest::Get(BlobStore& store,
                                                                      const std::string& key) {
  std::vector<std::string> keys{key};
  auto found = host_->Run(store.GetMany(std::move(keys)));
  if (found.size() != 1) return absl::InternalError("not one answer for one key");
  return std::move(found[0]);
}

absl::StatusOr<BlobStore::PutOutcome> BlobStoreContractTest::Put(BlobStore& store,
                                                                 const std::string& key,
                                                                 std::uint64_t generation,
                                                                 absl::string_view payload) {
  return host_->Run(
      store.Put(key, MakeBlob(generation, payload), generation, host_->Now() + absl::Hours(1)));
}

namespace {

using ::testing::Optional;
using PutOutcome = BlobStore::PutOutcome;

TEST_P(BlobStoreContractTest, FindsNothingUnderAKeyThatWasNeverPut) {
  const auto found = Get(host_->store(), "v:none");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, std::nullopt);
}

TEST_P(BlobStoreContractTest, AnotherReplicaFindsWhatWasPut) {
  EXPECT_EQ(Put(host_->store(), "v:a", 5).value(), PutOutcome::kStored);
  EXPECT_THAT(Get(host_->other_replica(), "v:a").value(), Optional(MakeBlob(5)));
}

TEST_P(BlobStoreContractTest, KeepsEveryByte) {
  std::string payload;
  for (int byte = 0; byte < 256; ++byte) payload.push_back(static_cast<char>(byte));
  payload.append("\r\n$5\r\n");
  payload.append(100'000, 'x');
  EXPECT_EQ(Put(host_->store(), "v:bytes", 1, payload).value(), PutOutcome::kStored);
  EXPECT_THAT(Get(host_->store(), "v:bytes").value(), Optional(MakeBlob(1, payload)));
}

TEST_P(BlobStoreContractTest, AnswersManyKeysInTheirOrder) {
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; i < 100; ++i) {
    keys.push_back("v:many-" + std::to_string(i));
    if (i % 3 != 0) {
      ASSERT_TRUE(Put(host_->store(), keys.back(), i + 1).ok());
    }
  }
  keys.push_back(keys[1]);
  const auto found = host_->Run(host_->store().GetMany(keys));
  ASSERT_EQ(found.size(), keys.size());
  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(found[i].ok()) << found[i].status();
    EXPECT_EQ(*found[i], i % 3 == 0 ? std::nullopt : std::make_optional(MakeBlob(i + 1))) << i;
  }
  EXPECT_THAT(found[100].value(), Optional(MakeBlob(2)));
}

TEST_P(BlobStoreContractTest, AnswersNoKeysWithNothing) {
  EXPECT_TRUE(host_->Run(host_->store().GetMany({})).empty());
}

TEST_P(BlobStoreContractTest, AGreaterGenerationReplaces) {
  EXPECT_EQ(Put(host_->store(), "v:a", 5, "old").value(), PutOutcome::kStored);
  EXPECT_EQ(Put(host_->other_replica(), "v:a", 6, "new").value(), PutOutcome::kStored);
  EXPECT_THAT(Get(host_->store(), "v:a").value(), Optional(MakeBlob(6, "new")));
}

TEST_P(BlobStoreContractTest, AGenerationThatIsNotGreaterIsRefused) {
  constexpr std::uint64_t kNow = 1'767'323'045'000'000;
  EXPECT_EQ(Put(host_->store(), "v:a", kNow, "new").value(), PutOutcome::kStored);
  EXPECT_EQ(Put(host_->other_replica(), "v:a", kNow, "same").value(), PutOutcome::kOlder);
  EXPECT_EQ(Put(host_->other_replica(), "v:a", kNow - 1, "older").value(), PutOutcome::kOlder);
  EXPECT_EQ(Put(host_->other_replica(), "v:a", 1, "oldest").value(), PutOutcome::kOlder);
  EXPECT_THAT(Get(host_->store(), "v:a").value(), Optional(MakeBlob(kNow, "new")));
}

TEST_P(BlobStoreContractTest, RefusesABlobWhoseHeaderHasAnotherGeneration) {
  const absl::Time expiry = host_->Now() + absl::Hours(1);
  EXPECT_EQ(host_->Run(host_->store().Put("v:a", MakeBlob(4), 5, expiry)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(host_->Run(host_->store().Put("v:a", "short", 5, expiry)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Get(host_->store(), "v:a").value(), std::nullopt);
}

TEST_P(BlobStoreContractTest, RefusesABlobWithoutAnExpiry) {
  for (const absl::Time never : {absl::InfiniteFuture(), absl::InfinitePast(), absl::UnixEpoch()}) {
    EXPECT_EQ(host_->Run(host_->store().Put("v:a", MakeBlob(5), 5, never)).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_P(BlobStoreContractTest, FindsNothingAfterTheExpiry) {
  const absl::Time expiry = host_->Now() + absl::Milliseconds(200);
  ASSERT_TRUE(host_->Run(host_->store().Put("v:a", MakeBlob(5), 5, expiry)).ok());
  host_->WaitUntil(expiry + absl::Milliseconds(1));
  EXPECT_EQ(Get(host_->other_replica(), "v:a").value(), std::nullopt);
}

TEST_P(BlobStoreContractTest, WhatIsPutExpiredIsNeverFound) {
  const absl::Time past = host_->Now() - absl::Seconds(5);
  ASSERT_TRUE(host_->Run(host_->store().Put("v:a", MakeBlob(5), 5, past)).ok());
  EXPECT_EQ(Get(host_->store(), "v:a").value(), std::nullopt);
}

TEST_P(BlobStoreContractTest, AnExpiredBlobsGenerationHindersNobody) {
  const absl::Time past = host_->Now() - absl::Seconds(5);
  ASSERT_TRUE(host_->Run(host_->store().Put("v:a", MakeBlob(500), 500, past)).ok());
  EXPECT_EQ(Put(host_->store(), "v:a", 5).value(), PutOutcome::kStored);
}

TEST_P(BlobStoreContractTest, ANewKeysGenerationIsTheStoresClock) {
  const absl::Time before = host_->Now();
  const auto generation = host_->Run(host_->store().NextGeneration("v:none"));
  const absl::Time after = host_->Now();
  ASSERT_TRUE(generation.ok()) << generation.status();
  EXPECT_GE(static_cast<std::int64_t>(*generation), absl::ToUnixMicros(before));
  EXPECT_LE(static_cast<std::int64_t>(*generation), absl::ToUnixMicros(after));
}

TEST_P(BlobStoreContractTest, TheNextGenerationIsGreaterThanTheStoredOneEvenBeforeAnEarlierClock) {
  const std::uint64_t ahead = GenerationAhead(absl::Hours(1));
  ASSERT_TRUE(Put(host_->store(), "v:a", ahead).ok());
  EXPECT_EQ(host_->Run(host_->other_replica().NextGeneration("v:a")).value(), ahead + 1);
  EXPECT_EQ(Put(host_->other_replica(), "v:a", ahead + 1).value(), PutOutcome::kStored);
}

TEST_P(BlobStoreContractTest, AGenerationThatNobodyCanHaveHandedOutBlocksNoKey) {
  for (const std::uint64_t written :
       {kMaxGeneration, kMaxGeneration - 1, GenerationAhead(absl::Hours(25))}) {
    const std::string key = "v:" + std::to_string(written);
    ASSERT_EQ(Put(host_->store(), key, written, "somebody else's").value(), PutOutcome::kStored);
    const std::uint64_t next = host_->Run(host_->other_replica().NextGeneration(key)).value();
    EXPECT_LE(next, GenerationAhead(absl::ZeroDuration()));
    EXPECT_EQ(Put(host_->other_replica(), key, next, "ours").value(), PutOutcome::kOverwroteAhead);
    EXPECT_THAT(Get(host_->store(), key).value(), Optional(MakeBlob(next, "ours")));
    EXPECT_EQ(Put(host_->store(), key, next - 1).value(), PutOutcome::kOlder);
  }
}

TEST_P(BlobStoreContractTest, GenerationsThatAreAllAheadKeepTheirOrder) {
  // A store whose clock was put back: replicas go on from what they have seen.
  const std::uint64_t ahead = GenerationAhead(absl::Hours(100));
  ASSERT_EQ(Put(host_->store(), "v:a", ahead, "new").value(), PutOutcome::kStored);
  EXPECT_EQ(Put(host_->other_replica(), "v:a", ahead - 1, "old").value(), PutOutcome::kOlder);
  EXPECT_EQ(Put(host_->other_replica(), "v:a", ahead, "same").value(), PutOutcome::kOlder);
  EXPECT_EQ(Put(host_->other_replica(), "v:a", ahead + 1, "newer").value(), PutOutcome::kStored);
}

TEST_P(BlobStoreContractTest, AValueWithoutAGenerationIsOverwritten) {
  // No key-check value is stored where records are; it stands for any garbage.
  ASSERT_TRUE(
      host_->Run(host_->store().PutIfUnchanged("v:short", "", "x", host_->Now() + absl::Hours(1)))
          .ok());
  EXPECT_EQ(Put(host_->store(), "v:short", 5).value(), PutOutcome::kStored);
  ASSERT_TRUE(host_
                  ->Run(host_->store().PutIfUnchanged("v:long", "", std::string(50, '\xff'),
                                                      host_->Now() + absl::Hours(1)))
                  .ok());
  EXPECT_LT(host_->Run(host_->store().NextGeneration("v:long")).value(), kMaxGeneration);
  EXPECT_EQ(Put(host_->store(), "v:long", 5).value(), PutOutcome::kStored);
}

TEST_P(BlobStoreContractTest, AValueIsReplacedOnlyByWhoKnowsWhatStands) {
  const absl::Time expiry = host_->Now() + absl::Hours(1);
  const auto put = [&](BlobStore& store, const std::string& expected, const std::string& value) {
    return host_->Run(store.PutIfUnchanged("check", expected, value, expiry)).value();
  };
  EXPECT_EQ(put(host_->store(), "anything", "first"), "first");
  EXPECT_EQ(put(host_->other_replica(), "", "second"), "first");
  EXPECT_EQ(put(host_->other_replica(), "second", "second"), "first");
  EXPECT_THAT(Get(host_->store(), "check").value(), Optional(std::string("first")));
  EXPECT_EQ(put(host_->other_replica(), "first", "second"), "second");
  EXPECT_EQ(put(host_->store(), "first", "third"), "second");
}

TEST_P(BlobStoreContractTest, AValueThatIsPutAgainLivesLonger) {
  const absl::Time soon = host_->Now() + absl::Milliseconds(50);
  const auto put = [&](const std::string& expected, const std::string& value, absl::Time expiry) {
    return host_->Run(host_->store().PutIfUnchanged("check", expected, value, expiry)).value();
  };
  EXPECT_EQ(put("", "first", soon), "first");
  host_->WaitUntil(soon + absl::Milliseconds(1));
  EXPECT_EQ(put("", "second", host_->Now() + absl::Seconds(30)), "second");
  const absl::Time later = host_->Now() + absl::Hours(1);
  EXPECT_EQ(put("second", "second", later), "second");
  EXPECT_EQ(host_->Run(host_->store().PutIfUnchanged("x", "", "x", absl::InfiniteFuture()))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tokensvc::testing
