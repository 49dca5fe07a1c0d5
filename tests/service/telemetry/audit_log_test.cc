// SPDX-License-Identifier: Apache-2.0
// Fail open: nobody waits, and what is lost is told.
#include "service/telemetry/audit_log.h"

#include <set>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/service/telemetry/audit_log_fixture.h"

namespace tokensvc {
namespace {

class AuditLogTest : public testing::AuditLogFixture {};

TEST_F(AuditLogTest, WritesRecordsInOrderWithSequenceNumbers) {
  Start();
  EXPECT_TRUE(log_->enabled());
  EXPECT_FALSE(log_->fail_closed());
  log_->Write(Deny("a"));
  log_->Write(Admin("b"));
  log_->Write(Deny("c"));
  ASSERT_TRUE(log_->Flush(kAges));
  const std::vector<Json> lines = device_->lines();
  ASSERT_EQ(lines.size(), 3u);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].value("sequence", 0u), i + 1);
    EXPECT_EQ(StringMember(lines[i], "run"), StringMember(lines[0], "run"));
  }
  EXPECT_EQ(StringMember(lines[0], "run").size(), 8u);
  EXPECT_EQ(StringMember(lines[1], "decision"), "admin");
  EXPECT_EQ(device_->syncs(), 0);
  EXPECT_EQ(metrics_.written.Value(), 3);
}

TEST_F(AuditLogTest, WritesWithoutBeingAsked) {
  Start();
  log_->Write(Deny());
  while (device_->lines().empty()) std::this_thread::yield();
}

TEST_F(AuditLogTest, CountsIdenticalAllowsOfAWindow) {
  Start();
  for (int i = 0; i < 100; ++i) log_->Write(Allow("a"));
  log_->Write(Allow("b"));
  ASSERT_TRUE(log_->Flush(kAges));
  const std::vector<Json> lines = Lines("allow");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(CountOf(lines[0]) + CountOf(lines[1]), 101);
  EXPECT_EQ(metrics_.coalesced.Value(), 99);
  log_->Write(Allow("a"));
  ASSERT_TRUE(log_->Flush(kAges));
  EXPECT_EQ(Lines("allow").size(), 3u) << "the window was over";
}

TEST_F(AuditLogTest, CountsOnlyWhatIsKeptAlready) {
  Start();
  EXPECT_FALSE(log_->Count(Allow()));
  EXPECT_FALSE(log_->Count(Deny()));
  log_->Write(Allow());
  EXPECT_TRUE(log_->Count(Allow()));
  EXPECT_FALSE(log_->Count(Allow("other")));
  ASSERT_TRUE(log_->Flush(kAges));
  ASSERT_EQ(Lines("allow").size(), 1u);
  EXPECT_EQ(CountOf(Lines("allow")[0]), 2);
  EXPECT_FALSE(log_->Count(Allow())) << "the window was over";
}

TEST_F(AuditLogTest, AWindowEndsByItself) {
  Start();
  log_->Write(Allow());
  log_->Write(Allow());
  while (device_->lines().empty()) {
    clock_.Advance(absl::Milliseconds(100));
    std::this_thread::yield();
  }
  EXPECT_EQ(CountOf(device_->lines().at(0)), 2);
}

TEST_F(AuditLogTest, CountsNothingTogetherWhereTheWindowIsZero) {
  AuditLog::Options options;
  options.coalesce_window = absl::ZeroDuration();
  Start(options);
  for (int i = 0; i < 5; ++i) log_->Write(Allow());
  ASSERT_TRUE(log_->Flush(kAges));
  EXPECT_EQ(Lines("allow").size(), 5u);
}

TEST_F(AuditLogTest, LimitsDenialsAndSaysHowManyWereLeftOut) {
  AuditLog::Options options;
  options.denials_per_caller = 10;
  options.denials_in_total = 15;
  Start(options);
  for (int i = 0; i < 100; ++i) log_->Write(Deny("loud"));
  for (int i = 0; i < 3; ++i) log_->Write(Deny("quiet"));
  ASSERT_TRUE(log_->Flush(kAges));
  EXPECT_EQ(Lines("deny").size(), 13u);
  const std::vector<Json> gaps = Lines("gap");
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(StringMember(gaps[0], "reason"), "denial_limit");
  EXPECT_EQ(StringMember(gaps[0], "caller"), "loud");
  EXPECT_EQ(CountOf(gaps[0]), 90);
  EXPECT_EQ(metrics_.denials_left_out.Value(), 90);
  EXPECT_EQ(metrics_.dropped.Value(), 0);
}

TEST_F(AuditLogTest, KeepsRecordsThroughAnOutageThatIsShort) {
  Start();
  device_->FailAfter(1);
  for (const char* caller : {"a", "b", "c"}) log_->Write(Deny(caller));
  EXPECT_FALSE(log_->Flush(kAges));
  EXPECT_EQ(device_->lines().size(), 1u);
  EXPECT_FALSE(log_->Flush(kAges));
  log_->Write(Deny("d"));
  device_->Mend();
  EXPECT_TRUE(log_->Flush(kAges));
  const std::vector<Json> lines = device_->lines();
  ASSERT_EQ(lines.size(), 4u) << "each once, and no gap";
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i].value("sequence", 0u), i + 1);
  EXPECT_EQ(logger_.Count("audit_failing"), 1u) << "one line per change of state";
  EXPECT_EQ(logger_.Count("audit_working"), 1u);
  EXPECT_GE(metrics_.failures.Value(), 2);
  EXPECT_EQ(metrics_.working.Value(), 1);
}

TEST_F(AuditLogTest, RecoversByItself) {
  Start();
  device_->FailAfter(0);
  log_->Write(Deny());
  EXPECT_FALSE(log_->Flush(kAges));
  EXPECT_EQ(metrics_.working.Value(), 0);
  device_->Mend();
  while (device_->lines().empty()) {
    clock_.Advance(absl::Milliseconds(100));
    std::this_thread::yield();
  }
}

TEST_F(AuditLogTest, AFullQueueDropsAndTheGapIsToldWithItsCount) {
  AuditLog::Options options;
  options.max_queue_bytes = 20'000;
  Start(options);
  device_->FailAfter(0);
  constexpr int kRecords = 500;
  for (int i = 0; i < kRecords; ++i) log_->Write(Admin("t"));
  EXPECT_FALSE(log_->Flush(kAges));
  EXPECT_LE(metrics_.queue_bytes.Value(), 20'000.0 + 1000) << "and one gap record";
  EXPECT_GT(metrics_.queue_bytes.Value(), 10'000.0);
  device_->Mend();
  EXPECT_TRUE(log_->Flush(kAges));
  EXPECT_TRUE(log_->Flush(kAges));  // the gap follows what was queued
  const int written = static_cast<int>(Lines("admin").size());
  EXPECT_GT(written, 10);
  EXPECT_EQ(written + Missing("queue_full"), kRecords);
  EXPECT_EQ(metrics_.dropped.Value(), kRecords - written);
  EXPECT_EQ(metrics_.queue_bytes.Value(), 0);
  // The numbers that are missing are as many, too.
  const auto highest = device_->lines().back().value("sequence", std::size_t{0});
  EXPECT_EQ(highest - device_->lines().size(), static_cast<std::size_t>(kRecords - written));
}

TEST_F(AuditLogTest, AFullQueueDropsAllowsThatWouldBeCoalesced) {
  AuditLog::Options options;
  options.max_queue_bytes = 20'000;
  Start(options);
  for (int i = 0; i < 500; ++i) log_->Write(Allow(absl::StrCat("caller-", i)));
  EXPECT_TRUE(log_->Flush(kAges));
  EXPECT_TRUE(log_->Flush(kAges));
  EXPECT_GT(Missing("queue_full"), 0);
  EXPECT_EQ(static_cast<int>(Lines("allow").size()) + Missing("queue_full"), 500);
}

TEST_F(AuditLogTest, ADeviceThatIsStuckBlocksNobody) {
  AuditLog::Options options;
  options.max_queue_bytes = 20'000;
  Start(options);
  device_->Block(true);
  log_->Write(Admin("first"));
  device_->AwaitBlocked();
  for (int i = 0; i < 500; ++i) log_->Write(Admin("t"));
  for (int i = 0; i < 500; ++i) log_->Write(Allow(absl::StrCat("caller-", i)));
  EXPECT_FALSE(log_->Flush(absl::Milliseconds(10)));
  EXPECT_GT(metrics_.dropped.Value(), 0);
  device_->Block(false);
  EXPECT_TRUE(log_->Flush(kAges));
  EXPECT_TRUE(log_->Flush(kAges));
  EXPECT_EQ(static_cast<int>(Lines("admin").size() + Lines("allow").size()) + Missing("queue_full"),
            1001);
}

TEST_F(AuditLogTest, EndsAlthoughItsDeviceIsStuck) {
  Start();
  device_->Block(true);
  log_->Write(Deny());
  device_->AwaitBlocked();
  log_.reset();
  device_->Block(false);
  while (device_->lines().empty()) std::this_thread::yield();
}

TEST_F(AuditLogTest, WritesWhatIsQueuedAndCountedBeforeItEnds) {
  Start();
  log_->Write(Deny());
  log_->Write(Allow());
  log_->Write(Allow());
  log_.reset();
  EXPECT_EQ(Lines("deny").size(), 1u);
  ASSERT_EQ(Lines("allow").size(), 1u);
  EXPECT_EQ(CountOf(Lines("allow")[0]), 2);
}

TEST_F(AuditLogTest, SaysAtItsEndWhatIsLost) {
  Start();
  device_->FailAfter(0);
  log_->Write(Deny());
  log_->Write(Deny());
  log_.reset();
  ASSERT_EQ(logger_.Count("audit_records_lost"), 1u);
  EXPECT_EQ(metrics_.dropped.Value(), 2);
}

TEST_F(AuditLogTest, ReopensItsSinkBeforeTheNextLine) {
  Start();
  log_->Reopen();
  EXPECT_TRUE(log_->Flush(kAges));
  EXPECT_EQ(device_->reopens(), 1);
  EXPECT_EQ(logger_.Count("audit_reopened"), 1u);
}

TEST_F(AuditLogTest, AcknowledgesAtOnceBecauseNobodyIsToWait) {
  Start();
  device_->Block(true);
  testing::Acknowledgement acknowledgement;
  log_->Write(Deny(), acknowledgement.Callback());
  EXPECT_TRUE(acknowledgement.came());
  device_->Block(false);
}

TEST_F(AuditLogTest, LosesNothingOfManyThreadsWhileItsDeviceComesAndGoes) {
  AuditLog::Options options;
  options.max_queue_bytes = 50'000;
  options.denials_per_caller = 50;
  Start(options);
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < kEach; ++i) {
        if (i % 10 == 0) log_->Write(Admin("t"));
        if (i % 10 == 1) log_->Write(Deny());
        if (i % 10 > 1) log_->Write(Allow(absl::StrCat("caller-", i % 7)));
        if (i % 1000 == 0) log_->Reopen();
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    device_->FailAfter(3);
    log_->Flush(absl::Milliseconds(5));
    device_->Mend();
    clock_.Advance(absl::Milliseconds(300));
    log_->Flush(absl::Milliseconds(5));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(log_->Flush(kAges));
  EXPECT_TRUE(log_->Flush(kAges));
  long long sum = 0;
  std::set<std::uint64_t> sequences;
  for (const Json& line : device_->lines()) {
    sum += CountOf(line);
    EXPECT_TRUE(sequences.insert(line.value("sequence", std::uint64_t{0})).second);
  }
  EXPECT_EQ(sum, kThreads * kEach);
  EXPECT_EQ(metrics_.queue_bytes.Value(), 0);
}

}  // namespace
}  // namespace tokensvc
