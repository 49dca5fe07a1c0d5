// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/authorization_interceptor.h"

#include <string>
#include <utility>

namespace tokensvc::tokenctl {
namespace {

using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;

class AuthorizationInterceptor final : public Interceptor {
 public:
  explicit AuthorizationInterceptor(std::shared_ptr<const Secret> value)
      : value_(std::move(value)) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace("authorization", std::string(value_->Reveal()));
    }
    methods->Proceed();
  }

 private:
  const std::shared_ptr<const Secret> value_;
};

class Factory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit Factory(Secret value) : value_(std::make_shared<const Secret>(std::move(value))) {}

  Interceptor* CreateClientInterceptor(ClientRpcInfo*) override {
    return new AuthorizationInterceptor(value_);  // gRPC's from here on.
  }

 private:
  const std::shared_ptr<const Secret> value_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface> MakeAuthorizationInterceptor(
    Secret value) {
  return std::make_unique<Factory>(std::move(value));
}

}  // namespace tokensvc::tokenctl
