// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_AUDIT_BENCH_H_
#define TOKENSVC_TESTS_BENCH_AUDIT_BENCH_H_

#include "tests/bench/statistics.h"

namespace tokensvc::bench {

/// What audit costs the thread that answers a call: processor time, in nanoseconds.
struct AuditResult {
  Median coalesced;             ///< An allow like one that waits already.
  Median coalesced_of_many;     ///< The same, one of 10,000 in random order.
  Median coalesced_by_threads;  ///< The same, the one of all, while another thread does it, too.
  Median queued;                ///< One that is like no other.
  Median fingerprint;           ///< Of a token of 1,500 bytes, once in its life.
  double acknowledged_microseconds = 0;  ///< Until one record is on this machine's disk.
  double acknowledged_per_second = 0;    ///< By 64 that wait at once.
  bool ok = false;
};

/// Writes to a file in the folder `where`.
AuditResult RunAuditBench(int runs, const char* where);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_AUDIT_BENCH_H_
