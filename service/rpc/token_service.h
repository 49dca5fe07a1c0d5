// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_TOKEN_SERVICE_H_
#define TOKENSVC_SERVICE_RPC_TOKEN_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "service/access/caller.h"
#include "service/access/forced_refresh_budget.h"
#include "service/access/policy.h"
#include "service/rpc/directory_holder.h"
#include "service/rpc/failed_call_log.h"
#include "service/rpc/rpc_metrics.h"
#include "service/source/app_token_source.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc {

/// The RPCs of `tokensvc.v1.TokenService`: thin adapters between the contract's messages and the
/// core. A hit is answered on gRPC's own thread; what has to wait is answered from a loop. One
/// object per listener, because the listener is what establishes the caller. Thread-safe.
class TokenServiceHandler final : public v1::TokenService::CallbackService {
 public:
  struct Options {
    absl::Duration default_deadline = absl::Seconds(10);  ///< For calls that bring none.
    absl::Duration max_deadline = absl::Seconds(60);      ///< Longer ones are cut to this.
  };
  struct Dependencies {
    const DirectoryHolder& directory;
    const Policy& policy;
    ForcedRefreshBudget& forced_budget;
    AppTokenSource& source;
    const Clock& clock;
    Logger& logger;
    RpcMetrics& metrics;
  };

  /// `caller` is whom the listener takes its callers for.
  TokenServiceHandler(Options options, Dependencies dependencies, Caller caller)
      : options_(options),
        deps_(dependencies),
        caller_(std::move(caller)),
        failed_calls_(dependencies.logger, dependencies.clock) {}

  grpc::ServerUnaryReactor* AcquireForClient(grpc::CallbackServerContext* context,
                                             const v1::AcquireForClientRequest* request,
                                             v1::AcquireForClientResponse* response) override;
  grpc::ServerUnaryReactor* BatchAcquireForClient(
      grpc::CallbackServerContext* context, const v1::BatchAcquireForClientRequest* request,
      v1::BatchAcquireForClientResponse* response) override;
  grpc::ServerUnaryReactor* CreateAuthorizationHeader(
      grpc::CallbackServerContext* context, const v1::CreateAuthorizationHeaderRequest* request,
      v1::CreateAuthorizationHeaderResponse* response) override;

 private:
  static constexpr int kMaxBatch = 100;

  template <class Request, class Response>
  void ServeAppToken(grpc::CallbackServerContext& context, const Request& request,
                     Response& response, RpcMethodMetrics& metrics,
                     grpc::ServerUnaryReactor& reactor);
  void LogFailure(const RpcMethodMetrics& metrics, const grpc::CallbackServerContext& context,
                  absl::string_view registration, const Error& error, absl::string_view denied_for,
                  absl::string_view correlation_id);
  /// Identity, registration, request, policy, budget: all that stands before the cache. The one
  /// answer for every denial hides its cause, which goes to `denied_for` for the log.
  template <class Request>
  Result<AppTokenRequest> Admit(const Request& request, absl::string_view* denied_for) const;
  struct Batch;
  void EndItem(Batch& batch, int index, const AppToken& token, const AppTokenRequest& asked);
  void EndItem(Batch& batch, int index, const Error& error, const std::string& correlation_id);
  BootTime DeadlineOf(const grpc::CallbackServerContext& context, BootTime now) const;

  const Options options_;
  const Dependencies deps_;
  const Caller caller_;
  FailedCallLog failed_calls_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_TOKEN_SERVICE_H_
