// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/admin_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "service/rpc/call_audit.h"
#include "service/rpc/error_status.h"
#include "service/rpc/trace_context.h"
#include "service/source/app_token_request.h"

namespace tokensvc {
namespace {

constexpr absl::Duration kTimeForTheAnswer = absl::Milliseconds(500);

/// The role that the contract asks for; the highest one where it should say nothing.
AdminRole RequiredRole(const std::string& method) {
  const google::protobuf::FileDescriptor& file =
      *admin::v1::GetBuildInfoRequest::descriptor()->file();
  const auto* const found = file.FindServiceByName("AdminService")->FindMethodByName(method);
  const bool observer =
      found != nullptr &&
      found->options().GetExtension(admin::v1::required_role) == admin::v1::ROLE_OBSERVER;
  return observer ? AdminRole::kObserver : AdminRole::kAdministrator;
}

Error RoleRequired(AdminRole role) {
  Error error;
  error.code = absl::StatusCode::kPermissionDenied;
  error.reason = Reason::kRoleRequired;
  error.message = role == AdminRole::kObserver
                      ? "this call is for callers in policy.observers or policy.administrators"
                      : "this call is for callers in policy.administrators";
  return error;
}

Error Overloaded() {
  Error error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = Reason::kOverloaded;
  error.message = "too many calls of administrators wait in this replica";
  error.retry_after = kDefaultRetryAfter;
  return error;
}

/// A name as the configuration has them, or as tenants are written. Anything else is free text,
/// which has no place in a log.
std::string Shown(const std::string& name) {
  const bool is_name =
      !name.empty() && name.size() <= 253 &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-' || c == '/';
      });
  return is_name ? name : "(no name)";
}

std::string TargetOf(const admin::v1::PurgeCacheRequest& request) {
  switch (request.target_case()) {
    case admin::v1::PurgeCacheRequest::kRegistration:
      return absl::StrCat("registration ", Shown(request.registration()));
    case admin::v1::PurgeCacheRequest::kTenant:
      return absl::StrCat("tenant ", Shown(request.tenant().authority()), " ",
                          Shown(request.tenant().tenant()));
    case admin::v1::PurgeCacheRequest::kCredential:
      return absl::StrCat("credential ", Shown(request.credential().registration()), " ",
                          Shown(request.credential().credential()));
    case admin::v1::PurgeCacheRequest::TARGET_NOT_SET:
      break;
  }
  return "";
}

absl::string_view OutcomeOf(const admin::v1::PurgeCacheResponse& response) {
  return response.shared() ? "done" : "done_here_only";
}

absl::string_view OutcomeOf(const admin::v1::ReloadResponse& response) {
  switch (response.outcome()) {
    case admin::v1::RELOAD_OUTCOME_IN_FORCE:
      return "done";
    case admin::v1::RELOAD_OUTCOME_UNCHANGED:
      return "unchanged";
    default:
      return "refused";
  }
}

}  // namespace

AdminServiceHandler::AdminServiceHandler(Options options, Dependencies dependencies,
                                         CallerResolver& callers)
    : options_(options),
      deps_(std::move(dependencies)),
      callers_(callers),
      failed_calls_(deps_.logger, deps_.clock) {}

BootTime AdminServiceHandler::DeadlineOf(const Call& call) const {
  const auto deadline = call.context.deadline();
  absl::Duration left = options_.default_deadline;
  if (deadline != std::chrono::system_clock::time_point::max()) {
    left = absl::FromChrono(deadline - std::chrono::system_clock::now());
    // What waits until the end has something to say then, which is to arrive before the client has
    // given up.
    left -= std::min(left / 10, kTimeForTheAnswer);
  }
  left = std::clamp(left, absl::ZeroDuration(), options_.max_deadline);
  return deps_.clock.Boot() + ToNanos(left);
}

AdminServiceHandler::CallPtr AdminServiceHandler::MakeCall(grpc::CallbackServerContext& context,
                                                           RpcMethodMetrics& metrics) {
  return std::make_shared<Call>(Call{context, metrics, *context.DefaultReactor(),
                                     deps_.clock.Boot(), /*change=*/false, /*target=*/"",
                                     CorrelationIdFor(""), nullptr});
}

void AdminServiceHandler::Admit(const CallPtr& call, std::function<void()> serve) {
  const absl::Duration at_most = absl::FromChrono(DeadlineOf(*call) - call->started);
  callers_.Resolve(call->context, at_most,
                   [this, call, serve = std::move(serve)](CallerOutcome caller) mutable {
                     if (!caller.ok())
                       return Fail(call, caller.error().error, caller.error().cause);
                     call->caller = *std::move(caller);
                     const AdminRole needed = RequiredRole(call->metrics.method());
                     if (deps_.policy.Get()->RoleOf(*call->caller) < needed) {
                       return Fail(call, RoleRequired(needed), "role");
                     }
                     if (!deps_.executor.Run(std::move(serve)))
                       Fail(call, Overloaded(), /*denied_for=*/"");
                   });
}

template <class Request, class Response>
grpc::ServerUnaryReactor* AdminServiceHandler::Read(
    grpc::CallbackServerContext& context, RpcMethodMetrics& metrics,
    Result<Response> (AdminBackend::*ask)(const Request&), const Request& request,
    Response& response) {
  const CallPtr call = MakeCall(context, metrics);
  grpc::ServerUnaryReactor* const reactor = &call->reactor;
  Admit(call, [this, call, ask, &request, &response] {
    Result<Response> answer = (deps_.backend.*ask)(request);
    if (!answer.ok()) return Fail(call, answer.error(), /*denied_for=*/"");
    response = *std::move(answer);
    Finish(call, grpc::Status::OK);
  });
  return reactor;
}

template <class Request, class Response>
grpc::ServerUnaryReactor* AdminServiceHandler::Change(
    grpc::CallbackServerContext& context, RpcMethodMetrics& metrics, std::string target,
    void (AdminBackend::*change)(const Request&, BootTime, AdminBackend::Done<Response>),
    const Request& request, Response& response) {
  const CallPtr call = MakeCall(context, metrics);
  grpc::ServerUnaryReactor* const reactor = &call->reactor;
  call->change = true;
  call->target = std::move(target);
  Admit(call, [this, call, change, &request, &response] {
    (deps_.backend.*change)(request, DeadlineOf(*call), [this, call, &response](auto answer) {
      if (!answer.ok()) return Fail(call, answer.error(), /*denied_for=*/"");
      response = *std::move(answer);
      FinishChange(call, OutcomeOf(response), grpc::Status::OK);
    });
  });
  return reactor;
}

void AdminServiceHandler::Fail(const CallPtr& call, const Error& error,
                               absl::string_view denied_for) {
  const absl::string_view id =
      call->caller == nullptr ? absl::string_view() : absl::string_view(call->caller->id);
  failed_calls_.Write({call->metrics.method(), id, /*registration=*/"", denied_for,
                       call->correlation_id, TraceIdOf(call->context)},
                      error);
  grpc::Status status = ToGrpcStatus(error, call->correlation_id);
  if (call->change && call->caller != nullptr) {
    return FinishChange(call, ReasonName(error.reason), status);
  }
  Finish(call, std::move(status));
}

void AdminServiceHandler::Finish(const CallPtr& call, grpc::Status status) {
  call->metrics.Record(static_cast<absl::StatusCode>(status.error_code()),
                       absl::FromChrono(deps_.clock.Boot() - call->started));
  call->reactor.Finish(std::move(status));
}

void AdminServiceHandler::FinishChange(const CallPtr& call, absl::string_view outcome,
                                       const grpc::Status& status) {
  AdminAction action;
  action.caller = call->caller->id;
  action.action = call->metrics.method();
  action.target = call->target;
  action.outcome = std::string(outcome);
  action.correlation_id = call->correlation_id;
  action.trace_id = TraceIdOf(call->context);
  deps_.logger.Info("admin_action", {{"caller", action.caller},
                                     {"action", action.action},
                                     {"target", action.target},
                                     {"outcome", action.outcome},
                                     {"correlation_id", action.correlation_id},
                                     {"trace_id", action.trace_id}});
  if (!deps_.audit) return Finish(call, status);
  deps_.audit(action, [this, call, status](bool recorded) {
    Finish(call, recorded ? status : ToGrpcStatus(AuditUnavailable(), call->correlation_id));
  });
}

grpc::ServerUnaryReactor* AdminServiceHandler::GetBuildInfo(
    grpc::CallbackServerContext* context, const admin::v1::GetBuildInfoRequest* request,
    admin::v1::GetBuildInfoResponse* response) {
  return Read(*context, deps_.metrics.get_build_info, &AdminBackend::GetBuildInfo, *request,
              *response);
}

grpc::ServerUnaryReactor* AdminServiceHandler::GetEffectiveConfiguration(
    grpc::CallbackServerContext* context,
    const admin::v1::GetEffectiveConfigurationRequest* request,
    admin::v1::GetEffectiveConfigurationResponse* response) {
  return Read(*context, deps_.metrics.get_effective_configuration,
              &AdminBackend::GetEffectiveConfiguration, *request, *response);
}

grpc::ServerUnaryReactor* AdminServiceHandler::GetCacheStatistics(
    grpc::CallbackServerContext* context, const admin::v1::GetCacheStatisticsRequest* request,
    admin::v1::GetCacheStatisticsResponse* response) {
  return Read(*context, deps_.metrics.get_cache_statistics, &AdminBackend::GetCacheStatistics,
              *request, *response);
}

grpc::ServerUnaryReactor* AdminServiceHandler::GetKeyRings(
    grpc::CallbackServerContext* context, const admin::v1::GetKeyRingsRequest* request,
    admin::v1::GetKeyRingsResponse* response) {
  return Read(*context, deps_.metrics.get_key_rings, &AdminBackend::GetKeyRings, *request,
              *response);
}

grpc::ServerUnaryReactor* AdminServiceHandler::ExplainAccess(
    grpc::CallbackServerContext* context, const admin::v1::ExplainAccessRequest* request,
    admin::v1::ExplainAccessResponse* response) {
  return Read(*context, deps_.metrics.explain_access, &AdminBackend::ExplainAccess, *request,
              *response);
}

grpc::ServerUnaryReactor* AdminServiceHandler::TestPolicy(
    grpc::CallbackServerContext* context, const admin::v1::TestPolicyRequest* request,
    admin::v1::TestPolicyResponse* response) {
  return Read(*context, deps_.metrics.test_policy, &AdminBackend::TestPolicy, *request, *response);
}

grpc::ServerUnaryReactor* AdminServiceHandler::PurgeCache(
    grpc::CallbackServerContext* context, const admin::v1::PurgeCacheRequest* request,
    admin::v1::PurgeCacheResponse* response) {
  return Change(*context, deps_.metrics.purge_cache, TargetOf(*request), &AdminBackend::PurgeCache,
                *request, *response);
}

grpc::ServerUnaryReactor* AdminServiceHandler::Reload(grpc::CallbackServerContext* context,
                                                      const admin::v1::ReloadRequest* request,
                                                      admin::v1::ReloadResponse* response) {
  return Change(*context, deps_.metrics.reload, /*target=*/"", &AdminBackend::Reload, *request,
                *response);
}

}  // namespace tokensvc
