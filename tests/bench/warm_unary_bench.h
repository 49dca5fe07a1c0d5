// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_WARM_UNARY_BENCH_H_
#define TOKENSVC_TESTS_BENCH_WARM_UNARY_BENCH_H_

#include <string>

#include "tests/bench/statistics.h"

namespace tokensvc::bench {

struct WarmUnaryOptions {
  std::string server;     ///< tokensvc-server
  std::string authority;  ///< tokensvc-dev-authority
  std::string bare;       ///< tokensvc-bench-bare-server
  int pairs = 24;
  double seconds = 1.0;  ///< Of one half of a pair.
  int in_flight = 16;
};

struct WarmUnaryResult {
  bool ok = false;
  Median throughput_ratio;  ///< Ours over bare.
  Median p99_ratio;
  Median extra_cpu_microseconds;  ///< Server CPU per call, ours less bare.
  Median bare_cpu_microseconds;
  Median bare_calls_per_second;
  Median our_calls_per_second;
  long calls = 0;
  long failed = 0;
};

/// Warm `AcquireForClient` of the real programs over loopback, in turn with the bare handler that
/// answers a message of the same bytes; every figure is the median over the pairs.
WarmUnaryResult RunWarmUnaryBench(const WarmUnaryOptions& options);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_WARM_UNARY_BENCH_H_
