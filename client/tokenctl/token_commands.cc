// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/commands.h"
#include "client/tokenctl/connection.h"
#include "client/tokenctl/printing.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::tokenctl {
namespace {

/// The two requests name their fields alike.
template <class Request>
void FillRequest(const AcquireOptions& acquire, Request* request) {
  request->set_registration(acquire.registration);
  request->set_tenant(acquire.tenant);
  for (const std::string& scope : acquire.scopes) request->add_scopes(scope);
  request->set_resource(acquire.resource);
  request->set_audience(acquire.audience);
  request->set_claims_challenge(acquire.claims_challenge);
  request->set_client_claims(acquire.client_claims);
  request->set_force_refresh(acquire.force_refresh);
  request->set_correlation_id(acquire.correlation_id);
  for (const auto& [name, value] : acquire.parameters) {
    (*request->mutable_extra_parameters())[name] = value;
  }
}

}  // namespace

ExitCode Fail(const grpc::Status& status, const Options& options, const Console& console) {
  const CallError error = ReadError(status);
  if (options.output == OutputFormat::kJson) {
    console.out << ErrorJson(error);
  } else {
    console.err << ErrorText(error);
  }
  return ExitCodeOf(error);
}

grpc::Status CallAcquire(const Options& options, const ChannelPtr& channel,
                         v1::AcquireForClientResponse* response) {
  v1::AcquireForClientRequest request;
  FillRequest(options.acquire, &request);
  grpc::ClientContext context;
  PrepareContext(options.connection.timeout, &context);
  grpc::Status status =
      v1::TokenService::NewStub(channel)->AcquireForClient(&context, request, response);
  if (status.ok() && response->access_token().value().empty()) {
    return {grpc::StatusCode::INTERNAL, "the server's answer holds no token"};
  }
  return status;
}

ExitCode RunAcquire(const Options& options, const ChannelPtr& channel, const Console& console) {
  v1::AcquireForClientResponse response;
  const grpc::Status status = CallAcquire(options, channel, &response);
  if (!status.ok()) return Fail(status, options, console);
  const bool show = options.acquire.show_token;
  console.out << (options.output == OutputFormat::kJson
                      ? AcquireJson(response, show, console.clock.Now())
                      : AcquireText(response, show, console.clock.Now()));
  return kExitOk;
}

ExitCode RunHeader(const Options& options, const ChannelPtr& channel, const Console& console) {
  v1::CreateAuthorizationHeaderRequest request;
  request.mutable_app();
  FillRequest(options.acquire, &request);
  grpc::ClientContext context;
  PrepareContext(options.connection.timeout, &context);
  v1::CreateAuthorizationHeaderResponse response;
  grpc::Status status =
      v1::TokenService::NewStub(channel)->CreateAuthorizationHeader(&context, request, &response);
  if (status.ok() && response.headers().empty()) {
    status = {grpc::StatusCode::INTERNAL, "the server's answer holds no header"};
  }
  if (!status.ok()) return Fail(status, options, console);
  const bool show = options.acquire.show_token;
  console.out << (options.output == OutputFormat::kJson
                      ? HeaderJson(response, show, console.clock.Now())
                      : HeaderText(response, show, console.clock.Now()));
  return kExitOk;
}

}  // namespace tokensvc::tokenctl
