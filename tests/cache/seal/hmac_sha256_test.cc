// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/hmac_sha256.h"

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

TEST(HmacSha256Test, ComputesTheSecondTestCaseOfRfc4231) {
  HmacSha256 hmac;
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(absl::BytesToHexString(hmac.Compute("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac.Compute("another key", "other bytes");
  }
}

TEST(HmacSha256Test, DerivesTheKeyOfRfc5869TestCase3) {
  HmacSha256 hmac;
  const Secret key = hmac.DeriveKey(std::string(22, '\x0b'), "");
  EXPECT_EQ(absl::BytesToHexString(key.Reveal()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(HmacSha256Test, DerivesAnotherKeyForOtherInfo) {
  HmacSha256 hmac;
  const Secret a = hmac.DeriveKey("material", "a"), b = hmac.DeriveKey("material", "b");
  EXPECT_EQ(a.size(), HmacSha256::kBytes);
  EXPECT_FALSE(a == b);
}

}  // namespace
}  // namespace tokensvc
