// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/gated_token_service.h"

#include <utility>

#include "service/rpc/error_status.h"
#include "service/source/app_token_request.h"
#include "service/source/app_token_source.h"

namespace tokensvc {

GatedTokenService::GatedTokenService(v1::TokenService::CallbackService& handler, DrainGate& gate,
                                     RpcMetrics& metrics)
    : handler_(handler),
      gate_(gate),
      metrics_(metrics),
      acquire_for_client_(gate),
      batch_acquire_for_client_(gate),
      create_authorization_header_(gate) {
  SetMessageAllocatorFor_AcquireForClient(&acquire_for_client_);
  SetMessageAllocatorFor_BatchAcquireForClient(&batch_acquire_for_client_);
  SetMessageAllocatorFor_CreateAuthorizationHeader(&create_authorization_header_);
}

grpc::ServerUnaryReactor* GatedTokenService::Refuse(grpc::CallbackServerContext& context,
                                                    absl::string_view correlation_id,
                                                    RpcMethodMetrics& metrics) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  grpc::Status status = ToGrpcStatus(Draining(), CorrelationIdFor(correlation_id));
  metrics.Record(absl::StatusCode::kUnavailable, absl::ZeroDuration());
  gate_.Refuse([reactor, status = std::move(status)] { reactor->Finish(status); });
  return reactor;
}

grpc::ServerUnaryReactor* GatedTokenService::AcquireForClient(
    grpc::CallbackServerContext* context, const v1::AcquireForClientRequest* request,
    v1::AcquireForClientResponse* response) {
  if (gate_.closed())
    return Refuse(*context, request->correlation_id(), metrics_.acquire_for_client);
  return handler_.AcquireForClient(context, request, response);
}

grpc::ServerUnaryReactor* GatedTokenService::BatchAcquireForClient(
    grpc::CallbackServerContext* context, const v1::BatchAcquireForClientRequest* request,
    v1::BatchAcquireForClientResponse* response) {
  if (gate_.closed()) return Refuse(*context, "", metrics_.batch_acquire_for_client);
  return handler_.BatchAcquireForClient(context, request, response);
}

grpc::ServerUnaryReactor* GatedTokenService::CreateAuthorizationHeader(
    grpc::CallbackServerContext* context, const v1::CreateAuthorizationHeaderRequest* request,
    v1::CreateAuthorizationHeaderResponse* response) {
  if (gate_.closed())
    return Refuse(*context, request->correlation_id(), metrics_.create_authorization_header);
  return handler_.CreateAuthorizationHeader(context, request, response);
}

}  // namespace tokensvc
