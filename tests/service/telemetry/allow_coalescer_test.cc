// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/allow_coalescer.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using Outcome = AllowCoalescer::Outcome;

constexpr absl::Time kTime = absl::FromUnixSeconds(1767323045);

AuditRecord Allow() {
  AuditRecord record;
  record.decision = AuditDecision::kAllow;
  record.time = kTime;
  for (absl::string_view AuditRecord::*const text : kAuditTexts) record.*text = "x";
  record.token_fingerprint = 1;
  return record;
}

bool Always(std::size_t) { return true; }

TEST(AllowCoalescerTest, CountsWhatDiffersInTimeAndIdsOnlyAndKeepsTheFirst) {
  AllowCoalescer coalescer;
  AuditRecord record = Allow();
  record.correlation_id = "first";
  EXPECT_EQ(coalescer.Add(record, Always), Outcome::kKept);
  record.correlation_id = "second";
  record.trace_id = "other";
  record.time = kTime + absl::Milliseconds(300);
  EXPECT_EQ(coalescer.Add(record, Always), Outcome::kCounted);
  record.time = kTime + absl::Milliseconds(200);
  EXPECT_EQ(coalescer.Add(record, Always), Outcome::kCounted);

  const std::vector<StoredAuditRecord> taken = coalescer.Take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0]->count, 3u);
  EXPECT_EQ(taken[0]->correlation_id, "first");
  EXPECT_EQ(taken[0]->time, kTime);
  EXPECT_EQ(taken[0]->until, kTime + absl::Milliseconds(300));
  EXPECT_TRUE(coalescer.Take().empty());
  EXPECT_EQ(coalescer.Add(record, Always), Outcome::kKept) << "begins anew";
}

TEST(AllowCoalescerTest, NeverMergesTwoThatDifferInAnythingThatMatters) {
  AllowCoalescer coalescer;
  std::size_t expected = 1;
  coalescer.Add(Allow(), Always);
  for (absl::string_view AuditRecord::*const text :
       {&AuditRecord::reason, &AuditRecord::cause, &AuditRecord::caller, &AuditRecord::listener,
        &AuditRecord::method, &AuditRecord::registration, &AuditRecord::tenant, &AuditRecord::grant,
        &AuditRecord::scopes, &AuditRecord::rule, &AuditRecord::policy_version,
        &AuditRecord::source}) {
    AuditRecord other = Allow();
    other.*text = "y";
    EXPECT_EQ(coalescer.Add(other, Always), Outcome::kKept);
    ++expected;
  }
  AuditRecord other = Allow();
  other.token_fingerprint = 2;
  coalescer.Add(other, Always);
  other.expires_at = kTime;
  coalescer.Add(other, Always);
  EXPECT_EQ(coalescer.Take().size(), expected + 2);
}

TEST(AllowCoalescerTest, KeepsNothingThatThereIsNoRoomFor) {
  AllowCoalescer coalescer;
  std::size_t asked = 0;
  const auto never = [&asked](std::size_t bytes) {
    asked = bytes;
    return false;
  };
  EXPECT_EQ(coalescer.Add(Allow(), never), Outcome::kRefused);
  EXPECT_EQ(asked, StoredAuditRecord::MemoryBytesOf(Allow()));
  coalescer.Add(Allow(), Always);
  EXPECT_EQ(coalescer.Add(Allow(), never), Outcome::kCounted) << "counting takes no room";
}

TEST(AllowCoalescerTest, LosesNoneOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  AllowCoalescer coalescer;
  std::atomic<bool> over = false;
  std::uint64_t sum = 0;
  const auto take = [&] {
    for (const StoredAuditRecord& record : coalescer.Take()) sum += record->count;
  };
  std::thread taker([&] {
    while (!over) take();
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&coalescer] {
      for (int k = 0; k < kEach; ++k) {
        const std::string caller = absl::StrCat("local:", k % 50);
        AuditRecord record = Allow();
        record.caller = caller;
        coalescer.Add(record, Always);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  over = true;
  taker.join();
  take();
  EXPECT_EQ(sum, std::uint64_t{kThreads} * kEach);
}

}  // namespace
}  // namespace tokensvc
