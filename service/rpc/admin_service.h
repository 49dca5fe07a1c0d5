// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_ADMIN_SERVICE_H_
#define TOKENSVC_SERVICE_RPC_ADMIN_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "service/access/policy_holder.h"
#include "service/rpc/admin_action.h"
#include "service/rpc/admin_backend.h"
#include "service/rpc/admin_executor.h"
#include "service/rpc/admin_metrics.h"
#include "service/rpc/caller_resolver.h"
#include "service/rpc/failed_call_log.h"
#include "tokensvc/admin/v1/admin_service.grpc.pb.h"

namespace tokensvc {

/// What its health service calls it.
inline constexpr char kAdminServiceName[] = "tokensvc.admin.v1.AdminService";

/// The RPCs of `tokensvc.admin.v1.AdminService`: finds out who calls, asks the policy for the role
/// that the contract says the method needs, and hands the rest to the backend, off gRPC's threads.
/// Counts every call, logs those that fail, and leaves a log line and an audit record of every
/// attempt to change something. One object per listener, as TokenServiceHandler. Thread-safe.
class AdminServiceHandler final : public admin::v1::AdminService::CallbackService {
 public:
  struct Options {
    absl::Duration default_deadline = absl::Seconds(10);  ///< For calls that bring none.
    absl::Duration max_deadline = absl::Seconds(60);      ///< Longer ones are cut to this.
  };
  /// What is lent. All of it outlives the handler; the executor ends before the handler does.
  struct Dependencies {
    const PolicyHolder& policy;
    AdminBackend& backend;
    AdminExecutor& executor;
    const Clock& clock;
    Logger& logger;
    AdminMetrics& metrics;
    AdminActionSink audit;
  };

  /// `callers` tells who calls, and must outlive this.
  AdminServiceHandler(Options options, Dependencies dependencies, CallerResolver& callers);

  grpc::ServerUnaryReactor* GetBuildInfo(grpc::CallbackServerContext* context,
                                         const admin::v1::GetBuildInfoRequest* request,
                                         admin::v1::GetBuildInfoResponse* response) override;
  grpc::ServerUnaryReactor* GetEffectiveConfiguration(
      grpc::CallbackServerContext* context,
      const admin::v1::GetEffectiveConfigurationRequest* request,
      admin::v1::GetEffectiveConfigurationResponse* response) override;
  grpc::ServerUnaryReactor* GetCacheStatistics(
      grpc::CallbackServerContext* context, const admin::v1::GetCacheStatisticsRequest* request,
      admin::v1::GetCacheStatisticsResponse* response) override;
  grpc::ServerUnaryReactor* GetKeyRings(grpc::CallbackServerContext* context,
                                        const admin::v1::GetKeyRingsRequest* request,
                                        admin::v1::GetKeyRingsResponse* response) override;
  grpc::ServerUnaryReactor* ExplainAccess(grpc::CallbackServerContext* context,
                                          const admin::v1::ExplainAccessRequest* request,
                                          admin::v1::ExplainAccessResponse* response) override;
  grpc::ServerUnaryReactor* TestPolicy(grpc::CallbackServerContext* context,
                                       const admin::v1::TestPolicyRequest* request,
                                       admin::v1::TestPolicyResponse* response) override;
  grpc::ServerUnaryReactor* PurgeCache(grpc::CallbackServerContext* context,
                                       const admin::v1::PurgeCacheRequest* request,
                                       admin::v1::PurgeCacheResponse* response) override;
  grpc::ServerUnaryReactor* Reload(grpc::CallbackServerContext* context,
                                   const admin::v1::ReloadRequest* request,
                                   admin::v1::ReloadResponse* response) override;

 private:
  /// One call under way: everything but the request and the response, which live as long.
  struct Call {
    grpc::CallbackServerContext& context;
    RpcMethodMetrics& metrics;
    grpc::ServerUnaryReactor& reactor;
    BootTime started;
    bool change;         ///< Whether the method changes something.
    std::string target;  ///< As in AdminAction.
    std::string correlation_id;
    std::shared_ptr<const Caller> caller;  ///< Null until it is known.
  };
  using CallPtr = std::shared_ptr<Call>;

  CallPtr MakeCall(grpc::CallbackServerContext& context, RpcMethodMetrics& metrics);
  /// Goes on with `serve` on the executor's thread once the caller and its role are known.
  void Admit(const CallPtr& call, std::function<void()> serve);
  template <class Request, class Response>
  grpc::ServerUnaryReactor* Read(grpc::CallbackServerContext& context, RpcMethodMetrics& metrics,
                                 Result<Response> (AdminBackend::*ask)(const Request&),
                                 const Request& request, Response& response);
  template <class Request, class Response>
  grpc::ServerUnaryReactor* Change(grpc::CallbackServerContext& context, RpcMethodMetrics& metrics,
                                   std::string target,
                                   void (AdminBackend::*change)(const Request&, BootTime,
                                                                AdminBackend::Done<Response>),
                                   const Request& request, Response& response);
  void Fail(const CallPtr& call, const Error& error, absl::string_view denied_for);
  void Finish(const CallPtr& call, grpc::Status status);
  /// Ends a change by a known caller, once it is recorded.
  void FinishChange(const CallPtr& call, absl::string_view outcome, const grpc::Status& status);
  BootTime DeadlineOf(const Call& call) const;

  const Options options_;
  const Dependencies deps_;
  CallerResolver& callers_;
  FailedCallLog failed_calls_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_ADMIN_SERVICE_H_
