// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_AGAINST_BARE_BENCH_H_
#define TOKENSVC_TESTS_BENCH_AGAINST_BARE_BENCH_H_

#include "tests/bench/deployment.h"
#include "tests/bench/statistics.h"

namespace tokensvc::bench {

struct AgainstBareOptions {
  int pairs = 24;
  double seconds = 1.0;  ///< Of one half of a pair.
  int in_flight = 16;
  IdentityKind identity = IdentityKind::kCertificate;
  /// Whether the bare handler's process does without Abseil's search for deadlocks, as ours does.
  bool tuned_bare = false;
};

struct AgainstBareResult {
  bool ok = false;
  Median throughput_ratio;  ///< Ours over bare.
  Median p99_ratio;
  Median extra_cpu_microseconds;  ///< Server CPU per call, ours less bare.
  Median bare_cpu_microseconds;
  Median bare_calls_per_second;
  Median our_calls_per_second;
  std::size_t answer_bytes = 0;
  long calls = 0;
  long failed = 0;
};

/// Calls that the local cache answers, of the real programs over loopback, in turn with a handler
/// that answers a message of the same bytes; every figure is the median over the pairs.
AgainstBareResult RunWarmUnaryBench(const Programs& programs, const AgainstBareOptions& options);
/// The same for `BatchAcquireForClient`, of 100 tokens in 100 tenants.
AgainstBareResult RunWarmBatchBench(const Programs& programs, const AgainstBareOptions& options);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_AGAINST_BARE_BENCH_H_
