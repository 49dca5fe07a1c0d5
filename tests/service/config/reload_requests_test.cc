// SPDX-License-Identifier: Apache-2.0
#include "service/config/reload_requests.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using Answer = ReloadRequests::Answer;
using Fate = ReloadRequests::Answer::Fate;

class ReloadRequestsTest : public ::testing::Test {
 protected:
  void Ask() {
    requests_.Ask([this](const Answer& answer) { answers_.push_back(answer); });
  }
  void Serve(const absl::Status& status) {
    requests_.Serve([this, status](bool asked) {
      asked_ = asked;
      return status;
    });
  }

  int woken_ = 0;
  bool asked_ = false;
  std::vector<Answer> answers_;
  ReloadRequests requests_{[this] { ++woken_; }};
};

TEST_F(ReloadRequestsTest, AllWhoAskShareOneReloadAndItsAnswer) {
  Ask();
  Ask();
  EXPECT_EQ(woken_, 2);
  EXPECT_TRUE(answers_.empty());
  Serve(absl::InvalidArgumentError("mistakes"));
  EXPECT_TRUE(asked_);
  ASSERT_EQ(answers_.size(), 2u);
  for (const Answer& answer : answers_) {
    EXPECT_EQ(answer.fate, Fate::kRead);
    EXPECT_EQ(answer.status.message(), "mistakes");
  }
  Serve(absl::OkStatus());
  EXPECT_FALSE(asked_) << "nobody has asked since";
  EXPECT_EQ(answers_.size(), 2u);
}

TEST_F(ReloadRequestsTest, WhoAsksWhileAReloadRunsWaitsForTheNextOne) {
  Ask();
  requests_.Serve([this](bool) {
    Ask();
    return absl::OkStatus();
  });
  EXPECT_EQ(answers_.size(), 1u);
  Serve(absl::OkStatus());
  EXPECT_EQ(answers_.size(), 2u);
}

TEST_F(ReloadRequestsTest, TooManyAreToldAtOnce) {
  for (std::size_t i = 0; i < ReloadRequests::kMaxWaiting; ++i) Ask();
  EXPECT_TRUE(answers_.empty());
  Ask();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].fate, Fate::kTooManyWait);
}

TEST_F(ReloadRequestsTest, AtTheEndAllAreTold) {
  Ask();
  requests_.Close();
  Ask();
  ASSERT_EQ(answers_.size(), 2u);
  for (const Answer& answer : answers_) EXPECT_EQ(answer.fate, Fate::kClosed);
}

TEST(ReloadRequestsThreadsTest, EverybodyGetsOneAnswerWhateverHappensAtTheEnd) {
  std::atomic<int> answers{0};
  {
    ReloadRequests requests([] {});
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 100; ++k) requests.Ask([&](const Answer&) { answers.fetch_add(1); });
      });
    }
    for (int i = 0; i < 50; ++i) requests.Serve([](bool) { return absl::OkStatus(); });
    requests.Close();
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(answers.load(), 400);
}

}  // namespace
}  // namespace tokensvc
