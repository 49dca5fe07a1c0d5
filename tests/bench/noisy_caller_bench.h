// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_NOISY_CALLER_BENCH_H_
#define TOKENSVC_TESTS_BENCH_NOISY_CALLER_BENCH_H_

#include "tests/bench/deployment.h"
#include "tests/bench/statistics.h"

namespace tokensvc::bench {

struct NoisyCallerOptions {
  int pairs = 24;
  double seconds = 0.5;  ///< Of one half of a pair.
};

struct NoisyCallerResult {
  bool ok = false;
  long calls = 0;  ///< Of the well-behaved caller, …
  long lost = 0;   ///< … and those of them that failed.
  /// Beside the noisy one / alone.
  Median p50_ratio, p99_ratio;
  Median alone_p50, alone_p99, beside_p50, beside_p99;  ///< In µs.
  Median offered, answered;                             ///< The noisy one's calls per second.
};

/// How many calls a second the noisy caller may make, …
inline constexpr int kNoisyQuota = 100;
/// … and how many times that it makes.
inline constexpr int kNoisyTimes = 50;

/// A caller that asks for a token that is in memory, one call at a time; alone, and beside one that
/// calls at 50 times its quota over a listener of its own. Pairs of both, over loopback, both
/// clients in this process.
NoisyCallerResult RunNoisyCallerBench(const Programs& programs, const NoisyCallerOptions& options);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_NOISY_CALLER_BENCH_H_
