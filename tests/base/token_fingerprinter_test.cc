// SPDX-License-Identifier: Apache-2.0
#include "base/token_fingerprinter.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace tokensvc {
namespace {

TEST(TokenFingerprinterTest, IsTheBeginningOfHmacSha256) {
  // RFC 4231 §4.2.
  const TokenFingerprinter fingerprinter{Secret(std::string(20, '\x0b'))};
  EXPECT_EQ(FingerprintText(fingerprinter.Fingerprint("Hi There")), "b0344c61d8db3853");
  EXPECT_EQ(FingerprintText(fingerprinter.Fingerprint("Hi There")), "b0344c61d8db3853");
}

TEST(TokenFingerprinterTest, DiffersByKeyAndByToken) {
  testing::FakeRandom random;
  const TokenFingerprinter one(random);
  const TokenFingerprinter other(random);
  const std::string token(1500, 't');
  std::set<std::uint64_t> seen = {one.Fingerprint(token), other.Fingerprint(token),
                                  one.Fingerprint(token + "t"), one.Fingerprint("")};
  EXPECT_EQ(seen.size(), 4u);
}

TEST(TokenFingerprinterTest, IsTheSameOnManyThreadsAtOnce) {
  testing::FakeRandom random;
  const TokenFingerprinter fingerprinter(random);
  const std::string token(1500, 't');
  const std::uint64_t expected = fingerprinter.Fingerprint(token);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) wrong += fingerprinter.Fingerprint(token) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(TokenFingerprinterTest, IsWrittenWithAllItsDigits) {
  EXPECT_EQ(FingerprintText(0xab), "00000000000000ab");
}

}  // namespace
}  // namespace tokensvc
