// SPDX-License-Identifier: Apache-2.0
// Fail closed: nothing is answered whose record is not on the disk.
#include <atomic>
#include <deque>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "service/telemetry/audit_log.h"
#include "tests/service/telemetry/audit_log_fixture.h"

namespace tokensvc {
namespace {

using testing::Acknowledgement;

class FailClosedAuditLogTest : public testing::AuditLogFixture {
 protected:
  absl::Status WriteAndAwait(const AuditRecord& record) {
    Acknowledgement acknowledgement;
    log_->Write(record, acknowledgement.Callback());
    return acknowledgement.Await();
  }
};

TEST_F(FailClosedAuditLogTest, AcknowledgesWhatIsWrittenAndSynced) {
  Start(FailClosed());
  EXPECT_TRUE(log_->fail_closed());
  EXPECT_TRUE(WriteAndAwait(Allow()).ok());
  EXPECT_EQ(device_->lines().size(), 1u);
  EXPECT_EQ(device_->syncs(), 1);
}

TEST_F(FailClosedAuditLogTest, CoalescesNothing) {
  Start(FailClosed());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(log_->Count(Allow()));
    EXPECT_TRUE(WriteAndAwait(Allow()).ok());
  }
  EXPECT_EQ(Lines("allow").size(), 3u);
}

TEST_F(FailClosedAuditLogTest, SyncsOnceForAllThatCameMeanwhile) {
  Start(FailClosed());
  device_->Block(true);
  std::deque<Acknowledgement> acknowledgements(50);
  log_->Write(Allow(), acknowledgements[0].Callback());
  device_->AwaitBlocked();
  for (std::size_t i = 1; i < acknowledgements.size(); ++i) {
    log_->Write(Allow(), acknowledgements[i].Callback());
  }
  device_->Block(false);
  for (Acknowledgement& each : acknowledgements) EXPECT_TRUE(each.Await().ok());
  EXPECT_EQ(device_->syncs(), 2);
  EXPECT_EQ(Lines("allow").size(), 50u);
}

TEST_F(FailClosedAuditLogTest, RefusesWhileTheSinkIsBrokenAndRecoversByItself) {
  Start(FailClosed());
  device_->FailAfter(0);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(WriteAndAwait(Allow()).ok());
  EXPECT_EQ(logger_.Count("audit_failing"), 1u);
  EXPECT_EQ(metrics_.unacknowledged.Value(), 3);
  device_->Mend();
  EXPECT_TRUE(WriteAndAwait(Allow()).ok());
  EXPECT_EQ(logger_.Count("audit_working"), 1u);
  EXPECT_EQ(Lines("allow").size(), 1u) << "what was refused is not written as allowed";
  while (Missing("sink_failed") == 0) {
    clock_.Advance(absl::Milliseconds(100));
    log_->Flush(kAges);
  }
  EXPECT_EQ(Missing("sink_failed"), 3);
}

TEST_F(FailClosedAuditLogTest, RefusesWhatIsWrittenButNotSynced) {
  Start(FailClosed());
  device_->FailSync(true);
  EXPECT_FALSE(WriteAndAwait(Allow()).ok());
  device_->FailSync(false);
  EXPECT_TRUE(WriteAndAwait(Allow()).ok());
}

TEST_F(FailClosedAuditLogTest, RefusesInTimeWhenTheDeviceIsStuck) {
  AuditLog::Options options = FailClosed();
  options.acknowledge_within = absl::Seconds(2);
  Start(options);
  device_->Block(true);
  Acknowledgement stuck, waits;
  log_->Write(Allow("stuck"), stuck.Callback());
  device_->AwaitBlocked();
  log_->Write(Allow("waits"), waits.Callback());
  clock_.Advance(absl::Milliseconds(1999));
  EXPECT_FALSE(stuck.came());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(stuck.Await().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(waits.Await().code(), absl::StatusCode::kDeadlineExceeded);
  // Nobody else has to wait as long.
  Acknowledgement refused;
  log_->Write(Allow("refused"), refused.Callback());
  ASSERT_TRUE(refused.came());
  EXPECT_EQ(refused.Await().code(), absl::StatusCode::kUnavailable);

  device_->Block(false);
  log_->Flush(kAges);
  EXPECT_TRUE(WriteAndAwait(Allow("later")).ok());
  log_->Flush(kAges);
  std::vector<std::string> written;
  for (const Json& line : Lines("allow")) written.emplace_back(StringMember(line, "caller"));
  // The first was with the device already; nobody knew.
  EXPECT_EQ(written, (std::vector<std::string>{"stuck", "later"}));
  EXPECT_EQ(Missing("not_acknowledged"), 2);
}

TEST_F(FailClosedAuditLogTest, RefusesAtOnceWhatDoesNotFitIntoTheQueue) {
  AuditLog::Options options = FailClosed();
  options.max_queue_bytes = 10'000;
  Start(options);
  device_->Block(true);
  std::deque<Acknowledgement> acknowledgements(100);
  log_->Write(Allow(), acknowledgements[0].Callback());
  device_->AwaitBlocked();
  for (std::size_t i = 1; i < acknowledgements.size(); ++i) {
    log_->Write(Allow(), acknowledgements[i].Callback());
  }
  EXPECT_TRUE(acknowledgements.back().came());
  device_->Block(false);
  int fine = 0;
  for (Acknowledgement& each : acknowledgements) fine += each.Await().ok();
  EXPECT_GT(fine, 5);
  log_->Flush(kAges);
  EXPECT_EQ(fine + Missing("queue_full"), 100);
}

TEST_F(FailClosedAuditLogTest, DenialsAboveTheLimitsAreAnsweredAndCounted) {
  AuditLog::Options options = FailClosed();
  options.denials_per_caller = 1;
  Start(options);
  EXPECT_TRUE(WriteAndAwait(Deny()).ok());
  EXPECT_TRUE(WriteAndAwait(Deny()).ok());
  log_->Flush(kAges);
  EXPECT_EQ(Lines("deny").size(), 1u);
  EXPECT_EQ(Missing("denial_limit"), 1);
}

TEST_F(FailClosedAuditLogTest, LeavesNobodyWaitingAtItsEnd) {
  Start(FailClosed());
  device_->Block(true);
  Acknowledgement acknowledgement;
  log_->Write(Allow(), acknowledgement.Callback());
  device_->AwaitBlocked();
  log_.reset();
  EXPECT_FALSE(acknowledgement.Await().ok());
  device_->Block(false);
  while (device_->lines().empty()) std::this_thread::yield();
}

TEST_F(FailClosedAuditLogTest, AnswersEachOfManyThreadsOnce) {
  Start(FailClosed());
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::atomic<int> fine = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, this] {
      for (int i = 0; i < kEach; ++i) ++(WriteAndAwait(Allow()).ok() ? fine : refused);
    });
  }
  for (int i = 0; i < 20; ++i) {
    device_->FailAfter(2);
    std::this_thread::yield();
    device_->Mend();
    log_->Flush(kAges);
    clock_.Advance(absl::Milliseconds(300));
  }
  for (std::thread& thread : threads) thread.join();
  log_->Flush(kAges);
  EXPECT_EQ(fine + refused, kThreads * kEach);
  // Where a batch broke in the middle, what was written before is there and was refused.
  EXPECT_GE(static_cast<int>(Lines("allow").size()), fine);
  EXPECT_EQ(static_cast<int>(Lines("allow").size()) + Missing("sink_failed"), kThreads * kEach);
}

}  // namespace
}  // namespace tokensvc
