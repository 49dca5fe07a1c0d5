// SPDX-License-Identifier: Apache-2.0
#include "service/access/verified_tokens.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "service/jose/thumbprint.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

const absl::Time kNow = testing::FakeClock::Start();

VerifiedTokens::Value MakeToken(std::string subject) {
  auto token = std::make_shared<VerifiedToken>();
  token->claims.subject = std::move(subject);
  token->claims.expires_at = kNow + absl::Minutes(1);
  return token;
}

VerifiedTokens::Id IdOf(int i) { return VerifiedTokens::IdOf(absl::StrCat("token ", i)); }

TEST(VerifiedTokens, IdsAreTheWholeTokensSha256) {
  const VerifiedTokens::Id id = VerifiedTokens::IdOf("token");
  EXPECT_EQ(std::string(id.begin(), id.end()), Sha256("token"));
  EXPECT_NE(VerifiedTokens::IdOf("token."), id);
}

TEST(VerifiedTokens, FindsWhatIsRememberedUntilItExpires) {
  VerifiedTokens tokens({16, 1 << 20});
  const VerifiedTokens::Value token = MakeToken("a");
  EXPECT_EQ(tokens.Find(IdOf(1), kNow), nullptr);
  tokens.Remember(IdOf(1), token);
  EXPECT_EQ(tokens.Find(IdOf(1), kNow + absl::Seconds(59)), token);
  EXPECT_EQ(tokens.Find(IdOf(2), kNow), nullptr);
  EXPECT_EQ(tokens.Find(IdOf(1), kNow + absl::Minutes(1)), nullptr);
  EXPECT_EQ(tokens.size(), 0u);
  EXPECT_EQ(tokens.bytes(), 0u);
}

TEST(VerifiedTokens, ForgetsAndReplaces) {
  VerifiedTokens tokens({160, 1 << 20});
  tokens.Remember(IdOf(1), MakeToken("a"));
  const VerifiedTokens::Value second = MakeToken("b");
  tokens.Remember(IdOf(1), second);
  EXPECT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokens.Find(IdOf(1), kNow), second);
  tokens.Forget(IdOf(1));
  tokens.Forget(IdOf(1));
  EXPECT_EQ(tokens.Find(IdOf(1), kNow), nullptr);
  EXPECT_EQ(tokens.bytes(), 0u);
}

TEST(VerifiedTokens, StaysWithinItsBounds) {
  VerifiedTokens few({160, 1 << 20});
  VerifiedTokens small({1 << 20, 160 << 10});
  for (int i = 0; i < 20000; ++i) {
    few.Remember(IdOf(i), MakeToken("a"));
    small.Remember(IdOf(i), MakeToken(std::string(500, 'a')));
  }
  EXPECT_EQ(few.size(), 160u);
  EXPECT_LE(small.bytes(), std::size_t{160} << 10);
  EXPECT_GT(small.bytes(), std::size_t{140} << 10);
  EXPECT_NE(few.Find(IdOf(19999), kNow), nullptr);
  EXPECT_EQ(few.Find(IdOf(0), kNow), nullptr);
  small.Remember(IdOf(-1), MakeToken(std::string(200 << 10, 'a')));
  EXPECT_EQ(small.Find(IdOf(-1), kNow), nullptr) << "what is larger than all space is not kept";
}

TEST(VerifiedTokens, WhatIsUsedStays) {
  VerifiedTokens tokens({160, 1 << 20});
  tokens.Remember(IdOf(-1), MakeToken("used"));
  for (int i = 0; i < 5000; ++i) {
    tokens.Remember(IdOf(i), MakeToken("a"));
    ASSERT_NE(tokens.Find(IdOf(-1), kNow), nullptr) << i;
  }
}

}  // namespace
}  // namespace tokensvc
