// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/drain_gate.h"

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

TEST(DrainGateTest, IsIdleWhenEveryCallThatCameHasLeft) {
  DrainGate gate;
  EXPECT_TRUE(gate.Idle());
  gate.Enter();
  gate.Enter();
  gate.Leave();
  EXPECT_FALSE(gate.Idle());
  gate.Leave();
  EXPECT_TRUE(gate.Idle());
}

TEST(DrainGateTest, IsOpenUntilItIsClosed) {
  DrainGate gate;
  EXPECT_FALSE(gate.closed());
  gate.Close();
  EXPECT_TRUE(gate.closed());
}

TEST(DrainGateTest, RefusesWhoWaitsWhenItDismissesAndWhoComesLaterAtOnce) {
  DrainGate gate;
  gate.Close();
  int refused = 0;
  const auto refusal = [&refused] { ++refused; };
  gate.Refuse(refusal);
  gate.Refuse(refusal);
  EXPECT_EQ(refused, 0);
  gate.Dismiss();
  EXPECT_EQ(refused, 2);
  gate.Refuse(refusal);
  EXPECT_EQ(refused, 3);
  gate.Dismiss();
  EXPECT_EQ(refused, 3) << "nobody is refused twice";
}

TEST(DrainGateTest, HoldsNoMoreThanItsBound) {
  DrainGate gate;
  gate.Close();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < DrainGate::kMaxHeld + 3; ++i) gate.Refuse([&refused] { ++refused; });
  EXPECT_EQ(refused, 3u);
  gate.Dismiss();
  EXPECT_EQ(refused, DrainGate::kMaxHeld + 3);
}

}  // namespace
}  // namespace tokensvc
