// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_RPC_METRICS_H_
#define TOKENSVC_SERVICE_RPC_RPC_METRICS_H_

#include <array>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/metrics.h"

namespace tokensvc {

/// Calls of one RPC by status code, and how long they took inside the service.
class RpcMethodMetrics {
 public:
  RpcMethodMetrics(MetricRegistry& registry, absl::string_view method)
      : method_(method),
        duration_(registry.AddHistogram("tokensvc_rpc_duration_seconds",
                                        "Time from a call's arrival in its handler to its end.",
                                        {{"method", std::string(method)}})) {
    for (int code = 0; code < kCodes; ++code) {
      calls_[static_cast<std::size_t>(code)] = &registry.AddCounter(
          "tokensvc_rpc_calls_total", "Calls that ended, by gRPC status code.",
          {{"method", std::string(method)},
           {"code", absl::StatusCodeToString(static_cast<absl::StatusCode>(code))}});
    }
  }

  const std::string& method() const { return method_; }

  void Record(absl::StatusCode code, absl::Duration took) {
    const int number = static_cast<int>(code);
    calls_[static_cast<std::size_t>(number >= 0 && number < kCodes ? number : 2)]->Increment();
    duration_.Observe(took);
  }

 private:
  static constexpr int kCodes = 17;  // gRPC's, OK to UNAUTHENTICATED
  const std::string method_;
  std::array<Counter*, kCodes> calls_;
  Histogram& duration_;
};

/// One set for all listeners.
struct RpcMetrics {
  explicit RpcMetrics(MetricRegistry& registry)
      : acquire_for_client(registry, "AcquireForClient"),
        batch_acquire_for_client(registry, "BatchAcquireForClient"),
        create_authorization_header(registry, "CreateAuthorizationHeader") {}
  RpcMethodMetrics acquire_for_client;
  RpcMethodMetrics batch_acquire_for_client;
  RpcMethodMetrics create_authorization_header;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_RPC_METRICS_H_
