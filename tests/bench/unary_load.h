// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_UNARY_LOAD_H_
#define TOKENSVC_TESTS_BENCH_UNARY_LOAD_H_

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::bench {

/// What a burst of calls showed.
struct LoadResult {
  long calls = 0;
  long failed = 0;
  double calls_per_second = 0;
  double p50_microseconds = 0;
  double p99_microseconds = 0;
};

/// Keeps `in_flight` calls of `AcquireForClient(request)` running on `stub` for `duration`.
LoadResult RunUnaryLoad(v1::TokenService::Stub& stub, const v1::AcquireForClientRequest& request,
                        int in_flight, absl::Duration duration);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_UNARY_LOAD_H_
