// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_SHARED_HIT_BENCH_H_
#define TOKENSVC_TESTS_BENCH_SHARED_HIT_BENCH_H_

#include <cstddef>

#include "tests/bench/deployment.h"
#include "tests/bench/statistics.h"

namespace tokensvc::bench {

struct SharedHitResult {
  bool ok = false;
  Median added_per_get;  ///< What a shared hit takes longer than a local one, over a GET.
  Median shared_microseconds;
  Median local_microseconds;
  Median get_microseconds;
  /// The same GET by the service's own client of Redis, asked for from another thread.
  Median client_get_microseconds;
  double record_bytes = 0;  ///< Of the values that GET read, on average.
  int tokens = 0;
  int wrong = 0;  ///< Answers that came from somewhere else than where they were to come from.
};

/// Replica A stores tokens in a redis-server of its own; a client asks replica B for each of them
/// for the first time and then again, one call at a time, and reads a record of the same kind from
/// the same Redis with a plain GET in between, over a connection that has nothing in flight either.
/// Medians over `blocks` of 100 tokens each.
SharedHitResult RunSharedHitBench(const Programs& programs, int blocks);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_SHARED_HIT_BENCH_H_
