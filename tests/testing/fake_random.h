// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_TESTING_FAKE_RANDOM_H_
#define TOKENSVC_TESTS_TESTING_FAKE_RANDOM_H_

#include <cstdint>

#include "base/mutex.h"
#include "base/random.h"

namespace tokensvc::testing {

/// The same bytes in every run, from a seed (xorshift64*); two generators of one seed agree.
/// Thread-safe.
class FakeRandom final : public RandomGenerator {
 public:
  explicit FakeRandom(std::uint64_t seed = 1) : state_(seed == 0 ? 1 : seed) {}

  void Fill(unsigned char* out, std::size_t size) override {
    MutexLock lock(&mutex_);
    for (std::size_t i = 0; i < size; ++i) {
      state_ ^= state_ >> 12;
      state_ ^= state_ << 25;
      state_ ^= state_ >> 27;
      out[i] = static_cast<unsigned char>((state_ * 0x2545f4914f6cdd1dULL) >> 56);
    }
  }

 private:
  Mutex mutex_;
  std::uint64_t state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_TESTING_FAKE_RANDOM_H_
