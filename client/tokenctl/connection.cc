// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/connection.h"

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/core/bearer_jwt.h"
#include "client/core/pem_checks.h"
#include "client/tokenctl/authorization_interceptor.h"
#include "client/tokenctl/file_input.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"  // IWYU: how a protobuf message goes over a generic stub
#include "tokenctl/peer_protocols.pb.h"

namespace tokensvc::tokenctl {
namespace {

constexpr int kMaxAnswerBytes = 1 << 20;
// A server that lists more than this is not what we came for.
constexpr int kMaxServices = 100;

using Interceptors =
    std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>;

absl::Status Named(absl::string_view option, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", status.message()));
}

/// Not only regular files: a shell may give a pipe, `--jwt-file <(kubectl create token …)`.
absl::StatusOr<std::string> ReadOption(absl::string_view option, const std::string& path,
                                       std::size_t max_bytes) {
  absl::StatusOr<std::string> content = ReadFile(path, max_bytes);
  if (!content.ok()) return Named(option, content.status());
  return content;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeTlsCredentials(
    const ConnectionOptions& options) {
  grpc::SslCredentialsOptions tls;
  if (!options.ca_file.empty()) {
    auto ca = ReadOption("--ca-file", options.ca_file, client::kMaxPemFileBytes);
    if (!ca.ok()) return ca.status();
    if (absl::Status ok = client::CheckCertificates(*ca); !ok.ok()) return Named("--ca-file", ok);
    tls.pem_root_certs = *std::move(ca);
  }
  if (!options.client_certificate.empty()) {
    auto chain =
        ReadOption("--client-certificate", options.client_certificate, client::kMaxPemFileBytes);
    if (!chain.ok()) return chain.status();
    auto key = ReadOption("--client-key", options.client_key, client::kMaxPemFileBytes);
    if (!key.ok()) return key.status();
    const absl::Status fit = client::CheckKeyPair(*chain, *key, /*refuse_expired=*/false);
    if (!fit.ok()) return Named("--client-certificate and --client-key", fit);
    tls.pem_cert_chain = *std::move(chain);
    tls.pem_private_key = *std::move(key);
  }
  return grpc::SslCredentials(tls);
}

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
    auto tls = MakeTlsCredentials(options);
    if (!tls.ok()) return tls.status();
    credentials = *std::move(tls);
  }
  Interceptors interceptors;
  if (!options.jwt_file.empty()) {
    auto file = ReadOption("--jwt-file", options.jwt_file, client::kMaxJwtFileBytes);
    if (!file.ok()) return file.status();
    auto bearer = client::BearerOf(*file);
    if (!bearer.ok()) return Named("--jwt-file", bearer.status());
    interceptors.push_back(MakeAuthorizationInterceptor(*std::move(bearer)));
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  arguments.SetUserAgentPrefix("tokenctl/" TOKENSVC_VERSION);
  if (IsLoopback(options.address)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const std::string target = absl::StartsWith(options.address, "unix:")
                                 ? options.address
                                 : absl::StrCat("dns:///", options.address);
  return grpc::experimental::CreateCustomChannelWithInterceptors(target, credentials, arguments,
                                                                 std::move(interceptors));
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
