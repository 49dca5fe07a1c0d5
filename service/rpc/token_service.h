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
#include "service/access/caller_quotas.h"
#include "service/access/forced_refresh_budget.h"
#include "service/access/policy_holder.h"
#include "service/rpc/admission.h"
#include "service/rpc/call_audit.h"
#include "service/rpc/caller_resolver.h"
#include "service/rpc/directory_holder.h"
#include "service/rpc/failed_call_log.h"
#include "service/rpc/rpc_metrics.h"
#include "service/source/app_token_source.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc {

/// The RPCs of `tokensvc.v1.TokenService`: thin adapters between the contract's messages and the
/// core. A hit is answered on gRPC's own thread; what has to wait is answered from a loop. One
/// object per listener, because the listener decides how callers are known. Thread-safe.
class TokenServiceHandler final : public v1::TokenService::CallbackService {
 public:
  struct Options {
    absl::Duration default_deadline = absl::Seconds(10);  ///< For calls that bring none.
    absl::Duration max_deadline = absl::Seconds(60);      ///< Longer ones are cut to this.
    std::string listener;                                 ///< Its name, for audit records.
  };
  struct Dependencies {
    const DirectoryHolder& directory;
    const PolicyHolder& policy;
    CallerQuotas& quotas;
    ForcedRefreshBudget& forced_budget;
    AppTokenSource& source;
    const Clock& clock;
    Logger& logger;
    RpcMetrics& metrics;
    AuditTrail* audit = nullptr;  ///< Null: no records.
    const TokenFingerprinter* fingerprinter = nullptr;
  };

  /// `callers` tells who calls, and must outlive this.
  TokenServiceHandler(Options options, Dependencies dependencies, CallerResolver& callers)
      : options_(options),
        deps_(dependencies),
        callers_(callers),
        admission_({dependencies.directory, dependencies.policy, dependencies.quotas,
                    dependencies.forced_budget, dependencies.clock}),
        failed_calls_(dependencies.logger, dependencies.clock),
        audit_(options_.listener, dependencies.audit, dependencies.fingerprinter) {}

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

  /// One call under way: everything lives until it is finished.
  template <class Request, class Response>
  struct Call {
    grpc::CallbackServerContext& context;
    const Request& request;
    Response& response;
    RpcMethodMetrics& metrics;
    grpc::ServerUnaryReactor& reactor;
    BootTime started;
  };

  /// Finds out who calls, and goes on with `serve` once that is known and its quota has room for
  /// `size` requests.
  template <class Request, class Response, class Serve>
  void WithCaller(const Call<Request, Response>& call, int size, absl::string_view registration,
                  absl::string_view correlation_id, Serve serve);
  template <class Request, class Response>
  void ServeAppToken(const Call<Request, Response>& call, std::shared_ptr<const Caller> caller);
  using BatchCall = Call<v1::BatchAcquireForClientRequest, v1::BatchAcquireForClientResponse>;
  void ServeBatch(const BatchCall& call, std::shared_ptr<const Caller> caller);
  template <class Request, class Response>
  void Finish(const Call<Request, Response>& call, grpc::Status status);
  /// Ends a call with a token.
  template <class Request, class Response>
  void Answer(const Call<Request, Response>& call, const Caller& caller, const Verdict& verdict,
              const AppTokenRequest& asked, const AppToken& token);
  /// Ends a call with `error`, and leaves a log line. `caller`: null where nobody is known.
  template <class Request, class Response>
  void Fail(const Call<Request, Response>& call, const Caller* caller,
            absl::string_view registration, const Error& error, const Verdict& verdict,
            const std::string& correlation_id);
  void LogFailure(const RpcMethodMetrics& metrics, const grpc::CallbackServerContext& context,
                  const Caller* caller, absl::string_view registration, const Error& error,
                  absl::string_view denied_for, absl::string_view correlation_id);
  struct Batch;
  void EndItem(const std::shared_ptr<Batch>& batch, int index, const Verdict& verdict,
               const AppTokenRequest& asked, const AppToken& token);
  void EndItem(const std::shared_ptr<Batch>& batch, int index, const Verdict& verdict,
               const Error& error, const std::string& correlation_id);
  BootTime DeadlineOf(const grpc::CallbackServerContext& context, BootTime now) const;

  const Options options_;
  const Dependencies deps_;
  CallerResolver& callers_;
  const Admission admission_;
  FailedCallLog failed_calls_;
  const CallAudit audit_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_TOKEN_SERVICE_H_
