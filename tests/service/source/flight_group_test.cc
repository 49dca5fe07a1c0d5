// SPDX-License-Identifier: Apache-2.0
#include "service/source/flight_group.h"

#include <optional>
#include <string>
#include <vector>

#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/io_context.hpp"
#include "asio/use_awaitable.hpp"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

/// Flights whose end the test decides, on a context that the test runs.
class FlightGroupTest : public ::testing::Test {
 protected:
  FlightGroupTest() : group_(context_.get_executor()) {}

  /// A body that waits until `Land` and counts its start.
  FlightGroup::Body Body() {
    return [this]() -> asio::awaitable<FlightResult> {
      ++started_;
      asio::steady_timer landing(context_, asio::steady_timer::time_point::max());
      in_the_air_.push_back(&landing);
      co_await landing.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
      const std::string token = std::to_string(started_);
      TokenRecord::Fields fields;
      fields.token = token;
      FlightOutcome outcome;
      outcome.record = TokenRecord::Make(fields);
      co_return outcome;
    };
  }

  void LandFirst() {
    asio::steady_timer* landing = in_the_air_.front();
    in_the_air_.erase(in_the_air_.begin());
    landing->cancel();
    Settle();
  }

  /// Starts a wait; its end shows in the returned slot.
  std::shared_ptr<std::optional<std::optional<FlightResult>>> Wait(
      const std::string& key, FlightGroup::Join join, absl::Duration timeout = absl::Hours(1)) {
    auto end = std::make_shared<std::optional<std::optional<FlightResult>>>();
    asio::co_spawn(
        context_,
        [this, key, join, timeout, end]() -> asio::awaitable<void> {
          FlightGroup::Body body = Body();
          const auto deadline =
              std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
          *end = co_await group_.Wait(key, join, std::move(body), deadline);
        },
        asio::detached);
    Settle();
    return end;
  }

  void Settle() {
    context_.restart();
    while (context_.poll() > 0) {
    }
  }

  static std::string TokenOf(const std::optional<std::optional<FlightResult>>& end) {
    return std::string((**end)->record->RevealToken());
  }

  asio::io_context context_;
  int started_ = 0;
  std::vector<asio::steady_timer*> in_the_air_;
  FlightGroup group_;
};

TEST_F(FlightGroupTest, AThousandWaitersShareOneFlight) {
  std::vector<std::shared_ptr<std::optional<std::optional<FlightResult>>>> ends;
  for (int i = 0; i < 1000; ++i) ends.push_back(Wait("key", FlightGroup::Join::kRunning));
  EXPECT_EQ(started_, 1);
  LandFirst();
  for (const auto& end : ends) {
    ASSERT_TRUE(end->has_value());
    EXPECT_EQ(TokenOf(*end), "1");
  }
  EXPECT_EQ(group_.size(), 0u);
}

TEST_F(FlightGroupTest, KeysFlyOnTheirOwn) {
  Wait("one", FlightGroup::Join::kRunning);
  Wait("two", FlightGroup::Join::kRunning);
  EXPECT_EQ(started_, 2);
  LandFirst();
  LandFirst();
}

TEST_F(FlightGroupTest, AForcedCallNeverJoinsAFlightThatStartedBeforeIt) {
  auto first = Wait("key", FlightGroup::Join::kNext);
  auto second = Wait("key", FlightGroup::Join::kNext);
  auto third = Wait("key", FlightGroup::Join::kNext);
  EXPECT_EQ(started_, 1);
  LandFirst();
  EXPECT_EQ(TokenOf(*first), "1");
  EXPECT_FALSE(second->has_value());
  EXPECT_EQ(started_, 2);  // the next one, which the two that came meanwhile share
  LandFirst();
  EXPECT_EQ(TokenOf(*second), "2");
  EXPECT_EQ(TokenOf(*third), "2");
  EXPECT_EQ(group_.size(), 0u);
}

TEST_F(FlightGroupTest, AWaiterThatLeavesAtItsDeadlineDoesNotEndTheFlight) {
  auto hasty = Wait("key", FlightGroup::Join::kRunning, absl::ZeroDuration());
  auto patient = Wait("key", FlightGroup::Join::kRunning);
  while (!hasty->has_value()) {
    context_.restart();
    context_.run_one();
  }
  EXPECT_FALSE((*hasty)->has_value());
  EXPECT_FALSE(patient->has_value());
  LandFirst();
  EXPECT_EQ(TokenOf(*patient), "1");
}

TEST_F(FlightGroupTest, AFlightWhoseBodyThrowsEndsWithAnErrorAndMakesRoom) {
  std::optional<std::optional<FlightResult>> end;
  asio::co_spawn(
      context_,
      [this, &end]() -> asio::awaitable<void> {
        FlightGroup::Body body = []() -> asio::awaitable<FlightResult> {
          throw std::bad_alloc();
          co_return FlightResult(Error());
        };
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
        end = co_await group_.Wait("key", FlightGroup::Join::kRunning, std::move(body), deadline);
      },
      asio::detached);
  Settle();
  ASSERT_TRUE(end.has_value() && end->has_value());
  EXPECT_EQ((*end)->error().reason, Reason::kInternal);
  EXPECT_EQ(group_.size(), 0u);
}

TEST_F(FlightGroupTest, ABackgroundFlightIsJoinedByWhoComesLater) {
  group_.StartInBackground("key", Body());
  group_.StartInBackground("key", Body());
  Settle();
  auto end = Wait("key", FlightGroup::Join::kRunning);
  EXPECT_EQ(started_, 1);
  LandFirst();
  EXPECT_EQ(TokenOf(*end), "1");
}

TEST_F(FlightGroupTest, AbandonEndsEveryWaitAndTheFlightStillLands) {
  auto running = Wait("key", FlightGroup::Join::kNext);
  auto next = Wait("key", FlightGroup::Join::kNext);
  group_.Abandon();
  Settle();
  ASSERT_TRUE(running->has_value());
  ASSERT_TRUE(next->has_value());
  EXPECT_FALSE((*running)->has_value());
  EXPECT_FALSE((*next)->has_value());
  LandFirst();
  LandFirst();
  EXPECT_EQ(group_.size(), 0u);
}

}  // namespace
}  // namespace tokensvc
