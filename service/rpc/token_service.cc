// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/token_service.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "service/rpc/error_status.h"
#include "service/rpc/trace_context.h"

namespace tokensvc {
namespace {

void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp) {
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  timestamp->set_seconds(seconds);
  timestamp->set_nanos(
      static_cast<int>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void SetDuration(absl::Duration length, google::protobuf::Duration* duration) {
  absl::Duration rest;
  duration->set_seconds(absl::IDivDuration(length, absl::Seconds(1), &rest));
  duration->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(rest)));
}

v1::TokenSource ToProto(FoundIn found_in) {
  switch (found_in) {
    case FoundIn::kAuthority:
      return v1::TOKEN_SOURCE_AUTHORITY;
    case FoundIn::kSharedCache:
      return v1::TOKEN_SOURCE_SHARED_CACHE;
    case FoundIn::kLocalCache:
      return v1::TOKEN_SOURCE_LOCAL_CACHE;
  }
  return v1::TOKEN_SOURCE_UNSPECIFIED;
}

v1::RefreshReason ToProto(RefreshCause cause) {
  switch (cause) {
    case RefreshCause::kNone:
      return v1::REFRESH_REASON_UNSPECIFIED;
    case RefreshCause::kNoCachedToken:
      return v1::REFRESH_REASON_NO_CACHED_TOKEN;
    case RefreshCause::kExpired:
      return v1::REFRESH_REASON_EXPIRED;
    case RefreshCause::kForced:
      return v1::REFRESH_REASON_FORCE_REFRESH_OR_CLAIMS;
    case RefreshCause::kProactive:
      return v1::REFRESH_REASON_PROACTIVELY_REFRESHED;
  }
  return v1::REFRESH_REASON_UNSPECIFIED;
}

void FillToken(const TokenRecord& record, std::string tenant,
               v1::AcquireForClientResponse& response) {
  v1::AccessToken& token = *response.mutable_access_token();
  const absl::string_view value = record.RevealToken();
  token.set_value(value.data(), value.size());
  token.set_token_type(v1::TOKEN_TYPE_BEARER);
  SetTimestamp(record.expires_at(), token.mutable_expires_at());
  SetTimestamp(record.refresh_at(), token.mutable_refresh_at());
  for (const absl::string_view scope :
       absl::StrSplit(record.granted_scopes(), ' ', absl::SkipEmpty())) {
    token.add_granted_scopes(scope.data(), scope.size());
  }
  token.set_tenant(std::move(tenant));
}

void FillToken(const TokenRecord& record, const std::string& /*tenant*/,
               v1::CreateAuthorizationHeaderResponse& response) {
  v1::Header& header = *response.add_headers();
  header.set_name("Authorization");
  const absl::string_view value = record.RevealToken();
  std::string& text = *header.mutable_value();
  text.reserve(7 + value.size());
  text.append("Bearer ");
  text.append(value.data(), value.size());
  SetTimestamp(record.expires_at(), response.mutable_expires_at());
  SetTimestamp(record.refresh_at(), response.mutable_refresh_at());
}

template <class Response>
void Fill(const AppToken& token, const Registration& registration, std::string tenant,
          std::string correlation_id, absl::Time now, Response& response) {
  FillToken(*token.record, std::move(tenant), response);
  response.set_source(ToProto(token.found_in));
  response.set_refresh_reason(ToProto(token.cause));
  response.set_correlation_id(std::move(correlation_id));
  // A client that kept the token past its refresh time would miss the newer one for no gain.
  const absl::Time keep_until = std::min(now + registration.near_cache, token.record->refresh_at());
  if (registration.near_cache > absl::ZeroDuration() && keep_until > now) {
    SetTimestamp(keep_until, response.mutable_near_cache_until());
    SetDuration(keep_until - now, response.mutable_near_cache_for());
  }
  SetDuration(std::max(token.record->expires_at() - now, absl::ZeroDuration()),
              response.mutable_expires_in());
}

}  // namespace

BootTime TokenServiceHandler::DeadlineOf(const grpc::CallbackServerContext& context,
                                         BootTime now) const {
  const auto deadline = context.deadline();
  absl::Duration left = options_.default_deadline;
  if (deadline != std::chrono::system_clock::time_point::max()) {
    left = absl::FromChrono(deadline - std::chrono::system_clock::now());
  }
  left = std::clamp(left, absl::ZeroDuration(), options_.max_deadline);
  return now + ToNanos(left);
}

template <class Request, class Response>
void TokenServiceHandler::Finish(const Call<Request, Response>& call, grpc::Status status) {
  call.metrics.Record(static_cast<absl::StatusCode>(status.error_code()),
                      absl::FromChrono(deps_.clock.Boot() - call.started));
  call.reactor.Finish(std::move(status));
}

template <class Request, class Response>
void TokenServiceHandler::Answer(const Call<Request, Response>& call, const Caller& caller,
                                 const Verdict& verdict, const AppTokenRequest& asked,
                                 const AppToken& token) {
  const absl::Time now = deps_.clock.Now();
  Fill(token, *asked.registration, asked.tenant, asked.correlation_id, now, call.response);
  const CallAudit::Request request{call.metrics.method(),       call.context,         &caller,
                                   call.request.registration(), asked.correlation_id, now};
  audit_.Issued(request, verdict, asked, token, [this, call](bool recorded) {
    if (recorded) return Finish(call, grpc::Status::OK);
    const std::string correlation_id = call.response.correlation_id();
    call.response.Clear();
    Finish(call, ToGrpcStatus(AuditUnavailable(), correlation_id));
  });
}

template <class Request, class Response>
void TokenServiceHandler::Fail(const Call<Request, Response>& call, const Caller* caller,
                               absl::string_view registration, const Error& error,
                               const Verdict& verdict, const std::string& correlation_id) {
  LogFailure(call.metrics, call.context, caller, registration, error, verdict.denied_for,
             correlation_id);
  const CallAudit::Request request{call.metrics.method(), call.context,   caller,
                                   registration,          correlation_id, deps_.clock.Now()};
  audit_.Failed(request, verdict, error,
                [this, call, status = ToGrpcStatus(error, correlation_id),
                 correlation_id](bool recorded) mutable {
                  if (!recorded) status = ToGrpcStatus(AuditUnavailable(), correlation_id);
                  Finish(call, std::move(status));
                });
}

template <class Request, class Response, class Serve>
void TokenServiceHandler::WithCaller(const Call<Request, Response>& call, int size,
                                     absl::string_view registration,
                                     absl::string_view correlation_id, Serve serve) {
  const absl::Duration at_most =
      absl::FromChrono(DeadlineOf(call.context, call.started) - call.started);
  callers_.Resolve(call.context, at_most,
                   [this, call, size, registration, correlation_id, serve](CallerOutcome caller) {
                     Verdict verdict;
                     if (caller.ok()) {
                       const auto refusal = admission_.TakeQuota(**caller, size, call.started);
                       if (!refusal.has_value()) return serve(*std::move(caller));
                       verdict.denied_for = "quota";
                       return Fail(call, caller->get(), registration, *refusal, verdict,
                                   CorrelationIdFor(correlation_id));
                     }
                     verdict.denied_for = caller.error().cause;
                     Fail(call, nullptr, registration, caller.error().error, verdict,
                          CorrelationIdFor(correlation_id));
                   });
}

template <class Request, class Response>
void TokenServiceHandler::ServeAppToken(const Call<Request, Response>& call,
                                        std::shared_ptr<const Caller> caller) {
  const Request& request = call.request;
  std::shared_ptr<const CompiledPolicy> policy = deps_.policy.Get();
  Verdict verdict;
  Result<AppTokenRequest> admitted = admission_.Admit(*caller, *policy, request, &verdict);
  if (!admitted.ok()) {
    return Fail(call, caller.get(), request.registration(), admitted.error(), verdict,
                CorrelationIdFor(request.correlation_id()));
  }
  std::string key = deps_.source.KeyOf(*admitted);
  if (std::optional<AppToken> token = deps_.source.Lookup(*admitted, key, call.started)) {
    return Answer(call, *caller, verdict, *admitted, *token);
  }

  admitted->trace_id = TraceIdOf(call.context);
  admission_.NameCaller(*caller, *admitted);
  // What an answer needs of the request, which goes on to the source.
  auto asked = std::make_shared<const AppTokenRequest>(*admitted);
  auto done = [this, call, caller = std::move(caller), policy = std::move(policy),
               verdict = std::move(verdict), asked](Result<AppToken> token) mutable {
    if (token.ok()) return Answer(call, *caller, verdict, *asked, *token);
    verdict.tenant = asked->tenant;
    verdict.scopes = std::string(asked->scopes.canonical());
    Fail(call, caller.get(), call.request.registration(), token.error(), verdict,
         asked->correlation_id);
  };
  deps_.source.Acquire(*std::move(admitted), std::move(key), DeadlineOf(call.context, call.started),
                       std::move(done));
}

grpc::ServerUnaryReactor* TokenServiceHandler::AcquireForClient(
    grpc::CallbackServerContext* context, const v1::AcquireForClientRequest* request,
    v1::AcquireForClientResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const Call<v1::AcquireForClientRequest, v1::AcquireForClientResponse> call{
      *context, *request,          *response, deps_.metrics.acquire_for_client,
      *reactor, deps_.clock.Boot()};
  WithCaller(call, /*size=*/1, request->registration(), request->correlation_id(),
             [this, call](std::shared_ptr<const Caller> caller) {
               ServeAppToken(call, std::move(caller));
             });
  return reactor;
}

grpc::ServerUnaryReactor* TokenServiceHandler::CreateAuthorizationHeader(
    grpc::CallbackServerContext* context, const v1::CreateAuthorizationHeaderRequest* request,
    v1::CreateAuthorizationHeaderResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const Call<v1::CreateAuthorizationHeaderRequest, v1::CreateAuthorizationHeaderResponse> call{
      *context, *request,          *response, deps_.metrics.create_authorization_header,
      *reactor, deps_.clock.Boot()};
  WithCaller(call, /*size=*/1, request->registration(), request->correlation_id(),
             [this, call](std::shared_ptr<const Caller> caller) {
               if (call.request.subject_case() == v1::CreateAuthorizationHeaderRequest::kApp) {
                 return ServeAppToken(call, std::move(caller));
               }
               const Error error = InvalidRequest(
                   "subject", "say whom the token is for: `\"app\": {}` for the application");
               Fail(call, caller.get(), call.request.registration(), error, Verdict(),
                    CorrelationIdFor(call.request.correlation_id()));
             });
  return reactor;
}

/// A batch whose items end one by one, on several threads; whoever ends the last one answers.
struct TokenServiceHandler::Batch {
  const BatchCall call;
  const std::shared_ptr<const Caller> caller;
  const std::shared_ptr<const CompiledPolicy> policy;
  std::function<void()> finish;
  std::atomic<int> left;

  CallAudit::Request RequestOf(int index, absl::string_view correlation_id, absl::Time now) const {
    return {call.metrics.method(), call.context,
            caller.get(),          call.request.requests(index).registration(),
            correlation_id,        now};
  }
  void Set(int index, const Error& error, absl::string_view correlation_id) {
    const grpc::Status status = ToGrpcStatus(error, correlation_id);
    v1::BatchError& out = *call.response.mutable_results(index)->mutable_error();
    // The details that would go into the call's trailers.
    out.ParseFromString(status.error_details());
    out.set_code(status.error_code());
    out.set_message(status.error_message());
  }
  void EndOne() {
    if (left.fetch_sub(1) == 1) finish();
  }
};

grpc::ServerUnaryReactor* TokenServiceHandler::BatchAcquireForClient(
    grpc::CallbackServerContext* context, const v1::BatchAcquireForClientRequest* request,
    v1::BatchAcquireForClientResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const BatchCall call{*context,  *request,
                       *response, deps_.metrics.batch_acquire_for_client,
                       *reactor,  deps_.clock.Boot()};
  // Of a batch that is too large, no more counts than of one that is not.
  const int counted = std::clamp(request->requests_size(), 1, kMaxBatch);
  WithCaller(call, counted, /*registration=*/"", /*correlation_id=*/"",
             [this, call](std::shared_ptr<const Caller> caller) {
               const int size = call.request.requests_size();
               if (size > 0 && size <= kMaxBatch) return ServeBatch(call, std::move(caller));
               Fail(call, caller.get(), /*registration=*/"",
                    InvalidRequest("requests", "1 to 100 requests"), Verdict(),
                    CorrelationIdFor(""));
             });
  return reactor;
}

void TokenServiceHandler::ServeBatch(const BatchCall& call, std::shared_ptr<const Caller> caller) {
  const int size = call.request.requests_size();
  call.response.mutable_results()->Reserve(size);
  for (int i = 0; i < size; ++i) call.response.add_results();
  auto finish = [this, call] { Finish(call, grpc::Status::OK); };
  const auto batch = std::shared_ptr<Batch>(
      new Batch{call, std::move(caller), deps_.policy.Get(), std::move(finish), {size}});

  std::vector<AppTokenSource::Wanted> missing;
  for (int i = 0; i < size; ++i) {
    const v1::AcquireForClientRequest& item = call.request.requests(i);
    Verdict verdict;
    Result<AppTokenRequest> admitted =
        admission_.Admit(*batch->caller, *batch->policy, item, &verdict);
    if (!admitted.ok()) {
      EndItem(batch, i, verdict, admitted.error(), CorrelationIdFor(item.correlation_id()));
      continue;
    }
    std::string key = deps_.source.KeyOf(*admitted);
    if (std::optional<AppToken> token = deps_.source.Lookup(*admitted, key, call.started)) {
      EndItem(batch, i, verdict, *admitted, *token);
      continue;
    }
    admitted->trace_id = TraceIdOf(call.context);
    admission_.NameCaller(*batch->caller, *admitted);
    // What an answer needs of the request, which goes on to the source.
    auto asked = std::make_shared<const AppTokenRequest>(*admitted);
    auto done = [this, batch, i, asked, verdict](Result<AppToken> token) mutable {
      if (token.ok()) return EndItem(batch, i, verdict, *asked, *token);
      verdict.tenant = asked->tenant;
      verdict.scopes = std::string(asked->scopes.canonical());
      EndItem(batch, i, verdict, token.error(), asked->correlation_id);
    };
    missing.push_back({*std::move(admitted), std::move(key), std::move(done)});
  }
  if (!missing.empty()) {
    deps_.source.AcquireMany(std::move(missing), DeadlineOf(call.context, call.started));
  }
}

void TokenServiceHandler::EndItem(const std::shared_ptr<Batch>& batch, int index,
                                  const Verdict& verdict, const AppTokenRequest& asked,
                                  const AppToken& token) {
  const absl::Time now = deps_.clock.Now();
  Fill(token, *asked.registration, asked.tenant, asked.correlation_id, now,
       *batch->call.response.mutable_results(index)->mutable_response());
  audit_.Issued(batch->RequestOf(index, asked.correlation_id, now), verdict, asked, token,
                [batch, index](bool recorded) {
                  if (!recorded) {
                    const std::string correlation_id =
                        batch->call.response.results(index).response().correlation_id();
                    batch->Set(index, AuditUnavailable(), correlation_id);
                  }
                  batch->EndOne();
                });
}

void TokenServiceHandler::EndItem(const std::shared_ptr<Batch>& batch, int index,
                                  const Verdict& verdict, const Error& error,
                                  const std::string& correlation_id) {
  const BatchCall& call = batch->call;
  LogFailure(call.metrics, call.context, batch->caller.get(),
             call.request.requests(index).registration(), error, verdict.denied_for,
             correlation_id);
  batch->Set(index, error, correlation_id);
  audit_.Failed(batch->RequestOf(index, correlation_id, deps_.clock.Now()), verdict, error,
                [batch, index, correlation_id](bool recorded) {
                  if (!recorded) batch->Set(index, AuditUnavailable(), correlation_id);
                  batch->EndOne();
                });
}

void TokenServiceHandler::LogFailure(const RpcMethodMetrics& metrics,
                                     const grpc::CallbackServerContext& context,
                                     const Caller* caller, absl::string_view registration,
                                     const Error& error, absl::string_view denied_for,
                                     absl::string_view correlation_id) {
  const absl::string_view id = caller == nullptr ? absl::string_view() : caller->id;
  failed_calls_.Write(
      {metrics.method(), id, registration, denied_for, correlation_id, TraceIdOf(context)}, error);
}

}  // namespace tokensvc
