// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CLIENT_FAKE_ADMIN_SERVICE_H_
#define TOKENSVC_TESTS_CLIENT_FAKE_ADMIN_SERVICE_H_

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "tokensvc/admin/v1/admin_service.grpc.pb.h"

namespace tokensvc::tokenctl {

/// Answers what the test put there, and keeps the last requests. Set the fields before a call is
/// made.
class FakeAdminService final : public admin::v1::AdminService::Service {
 public:
  template <class Request, class Response>
  struct Exchange {
    Request request;
    Response response;
    grpc::Status Answer(const Request* asked, Response* answer, const grpc::Status& status) {
      request = *asked;
      *answer = response;
      return status;
    }
  };

  grpc::Status GetBuildInfo(grpc::ServerContext*, const admin::v1::GetBuildInfoRequest* request,
                            admin::v1::GetBuildInfoResponse* response) override {
    return build_info.Answer(request, response, status);
  }
  grpc::Status GetEffectiveConfiguration(
      grpc::ServerContext*, const admin::v1::GetEffectiveConfigurationRequest* request,
      admin::v1::GetEffectiveConfigurationResponse* response) override {
    return config.Answer(request, response, status);
  }
  grpc::Status GetCacheStatistics(grpc::ServerContext*,
                                  const admin::v1::GetCacheStatisticsRequest* request,
                                  admin::v1::GetCacheStatisticsResponse* response) override {
    return cache.Answer(request, response, status);
  }
  grpc::Status GetKeyRings(grpc::ServerContext*, const admin::v1::GetKeyRingsRequest* request,
                           admin::v1::GetKeyRingsResponse* response) override {
    return key_rings.Answer(request, response, status);
  }
  grpc::Status ExplainAccess(grpc::ServerContext*, const admin::v1::ExplainAccessRequest* request,
                             admin::v1::ExplainAccessResponse* response) override {
    return explain.Answer(request, response, status);
  }
  grpc::Status TestPolicy(grpc::ServerContext*, const admin::v1::TestPolicyRequest* request,
                          admin::v1::TestPolicyResponse* response) override {
    return test_policy.Answer(request, response, status);
  }
  grpc::Status PurgeCache(grpc::ServerContext*, const admin::v1::PurgeCacheRequest* request,
                          admin::v1::PurgeCacheResponse* response) override {
    return purge.Answer(request, response, status);
  }
  grpc::Status Reload(grpc::ServerContext*, const admin::v1::ReloadRequest* request,
                      admin::v1::ReloadResponse* response) override {
    return reload.Answer(request, response, status);
  }

  grpc::Status status;
  Exchange<admin::v1::GetBuildInfoRequest, admin::v1::GetBuildInfoResponse> build_info;
  Exchange<admin::v1::GetEffectiveConfigurationRequest,
           admin::v1::GetEffectiveConfigurationResponse>
      config;
  Exchange<admin::v1::GetCacheStatisticsRequest, admin::v1::GetCacheStatisticsResponse> cache;
  Exchange<admin::v1::GetKeyRingsRequest, admin::v1::GetKeyRingsResponse> key_rings;
  Exchange<admin::v1::ExplainAccessRequest, admin::v1::ExplainAccessResponse> explain;
  Exchange<admin::v1::TestPolicyRequest, admin::v1::TestPolicyResponse> test_policy;
  Exchange<admin::v1::PurgeCacheRequest, admin::v1::PurgeCacheResponse> purge;
  Exchange<admin::v1::ReloadRequest, admin::v1::ReloadResponse> reload;
};

/// A server on 127.0.0.1, port 0, with the service above.
class FakeAdminServer {
 public:
  FakeAdminServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
  }
  ~FakeAdminServer() { server_->Shutdown(); }
  FakeAdminServer(const FakeAdminServer&) = delete;
  FakeAdminServer& operator=(const FakeAdminServer&) = delete;

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  FakeAdminService service;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_TESTS_CLIENT_FAKE_ADMIN_SERVICE_H_
