// SPDX-License-Identifier: Apache-2.0
#include "client/core/bearer_jwt.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(BearerJwtTest, TakesAJwtWithWhiteSpaceAroundIt) {
  for (const char* content : {"eyJhIjoxfQ.eyJiIjoyfQ.c2ln", "eyJhIjoxfQ.eyJiIjoyfQ.c2ln\n",
                              " \teyJhIjoxfQ.eyJiIjoyfQ.c2ln\r\n"}) {
    const auto bearer = BearerOf(content);
    ASSERT_TRUE(bearer.ok()) << bearer.status();
    EXPECT_EQ(bearer->Reveal(), "Bearer eyJhIjoxfQ.eyJiIjoyfQ.c2ln");
  }
}

TEST(BearerJwtTest, RefusesWhatIsNoJwtAndRepeatsNothingOfIt) {
  for (const std::string content :
       {"", "\n", "CANARY", "CANARY.CANARY", "CANARY..CANARY", ".CANARY.CANARY", "CANARY.CANARY.",
        "CANARY.CANARY.CANARY.CANARY.CANARY", "CANARY.CANARY.CAN RY",
        "CANARY.CANARY.CANARY=", "CANARY.CANARY.CANARYCAN",
        "CANARY.CANARY.CANARY\r\nx-other: CANARY", "CANARY.CANARY.CAN+RY"}) {
    const auto bearer = BearerOf(content);
    EXPECT_EQ(bearer.status().code(), absl::StatusCode::kInvalidArgument) << content;
    EXPECT_THAT(std::string(bearer.status().message()), Not(HasSubstr("CANARY")));
  }
  EXPECT_FALSE(BearerOf(absl::string_view("eyJh.eyJi.c2\0n", 14)).ok());
}

}  // namespace
}  // namespace tokensvc::client
