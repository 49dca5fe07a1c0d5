// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CLIENT_FAKE_TOKEN_SERVICE_H_
#define TOKENSVC_TESTS_CLIENT_FAKE_TOKEN_SERVICE_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::tokenctl {

/// Answers what the test put there, and keeps the last request. Set the fields before a call is
/// made.
class FakeTokenService final : public v1::TokenService::Service {
 public:
  grpc::Status AcquireForClient(grpc::ServerContext* context,
                                const v1::AcquireForClientRequest* request,
                                v1::AcquireForClientResponse* response) override {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto header = context->client_metadata().find("authorization");
    if (header != context->client_metadata().end()) {
      authorization.assign(header->second.data(), header->second.size());
    }
    acquire_request = *request;
    *response = acquire_response;
    return status;
  }

  grpc::Status CreateAuthorizationHeader(grpc::ServerContext*,
                                         const v1::CreateAuthorizationHeaderRequest* request,
                                         v1::CreateAuthorizationHeaderResponse* response) override {
    const std::lock_guard<std::mutex> lock(mutex);
    header_request = *request;
    *response = header_response;
    return status;
  }

  std::mutex mutex;
  grpc::Status status;
  std::string authorization;
  v1::AcquireForClientRequest acquire_request;
  v1::AcquireForClientResponse acquire_response;
  v1::CreateAuthorizationHeaderRequest header_request;
  v1::CreateAuthorizationHeaderResponse header_response;
};

/// A server on 127.0.0.1, port 0, with the service above and gRPC's own health service.
class FakeServer {
 public:
  FakeServer() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
  }
  ~FakeServer() { server_->Shutdown(); }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  void SetServing(const std::string& name, bool serving) {
    server_->GetHealthCheckService()->SetServingStatus(name, serving);
  }

  FakeTokenService service;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_TESTS_CLIENT_FAKE_TOKEN_SERVICE_H_
