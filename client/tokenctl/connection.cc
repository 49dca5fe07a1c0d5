// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/connection.h"

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/tokenctl/file_input.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"  // IWYU: how a protobuf message goes over a generic stub
#include "tokenctl/peer_protocols.pb.h"

namespace tokensvc::tokenctl {
namespace {

constexpr int kMaxAnswerBytes = 1 << 20;
constexpr std::size_t kMaxCaFileBytes = std::size_t{4} << 20;
// A server that lists more than this is not what we came for.
constexpr int kMaxServices = 100;

/// One completion-queue step; the operation itself carries the deadline, so this ends.
bool Step(grpc::CompletionQueue* queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue->Next(&tag, &ok) && ok;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectionOptions& options) {
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (options.tls) {
    grpc::SslCredentialsOptions tls;
    if (!options.ca_file.empty()) {
      absl::StatusOr<std::string> pem = ReadFile(options.ca_file, kMaxCaFileBytes);
      if (!pem.ok()) {
        return absl::InvalidArgumentError(absl::StrCat("--ca-file: ", pem.status().message()));
      }
      if (!absl::StrContains(*pem, "-----BEGIN CERTIFICATE-----")) {
        return absl::InvalidArgumentError("--ca-file: holds no PEM certificate");
      }
      tls.pem_root_certs = *std::move(pem);
    }
    credentials = grpc::SslCredentials(tls);
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  arguments.SetUserAgentPrefix("tokenctl/" TOKENSVC_VERSION);
  if (IsLoopback(options.address)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const std::string target = absl::StartsWith(options.address, "unix:")
                                 ? options.address
                                 : absl::StrCat("dns:///", options.address);
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

void PrepareContext(absl::Duration timeout, grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
}

grpc::Status CheckHealth(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
                         absl::Duration timeout, grpc::health::v1::HealthCheckResponse* response) {
  grpc::TemplatedGenericStub<grpc::health::v1::HealthCheckRequest,
                             grpc::health::v1::HealthCheckResponse>
      stub(channel);
  grpc::ClientContext context;
  PrepareContext(timeout, &context);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::CompletionQueue queue;
  auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  grpc::Status status;
  call->StartCall();
  call->Finish(response, &status, nullptr);
  if (!Step(&queue)) return {grpc::StatusCode::INTERNAL, "the call did not end"};
  return status;
}

grpc::Status ListServices(const std::shared_ptr<grpc::Channel>& channel, absl::Duration timeout,
                          std::vector<std::string>* services) {
  grpc::TemplatedGenericStub<peer::ReflectionRequest, peer::ReflectionResponse> stub(channel);
  grpc::ClientContext context;
  PrepareContext(timeout, &context);
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  peer::ReflectionRequest request;
  request.set_list_services("*");
  peer::ReflectionResponse response;
  // Each step one after the other; where one fails, the status says why.
  call->StartCall(nullptr);
  bool ok = Step(&queue);
  if (ok) {
    call->Write(request, nullptr);
    ok = Step(&queue);
  }
  if (ok) {
    call->Read(&response, nullptr);
    ok = Step(&queue);
  }
  if (ok) {
    call->WritesDone(nullptr);
    Step(&queue);
    context.TryCancel();  // One answer is all we want; the server need not end the stream in time.
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  Step(&queue);
  if (!ok) {
    return status.ok()
               ? grpc::Status(grpc::StatusCode::INTERNAL, "the stream ended without an answer")
               : status;
  }
  for (const auto& service : response.list_services_response().service()) {
    if (static_cast<int>(services->size()) == kMaxServices) break;
    services->push_back(service.name());
  }
  return grpc::Status::OK;
}

}  // namespace tokensvc::tokenctl
