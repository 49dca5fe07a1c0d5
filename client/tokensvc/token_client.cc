// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/token_client.h"

#include <algorithm>
#include <utility>

#include "client/core/blocking_wait.h"
#include "client/rpc/callback_scope.h"
#include "client/rpc/connection.h"
#include "client/rpc/messages.h"
#include "client/rpc/retrying_call.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::client {
namespace {

constexpr absl::Duration kLongestTimeout = absl::Minutes(5);

template <class Request, class Response, class T>
void Call(std::shared_ptr<Connection> connection,
          typename RetryingCall<Request, Response>::Method method, const TokenRequest& request,
          absl::Duration timeout, TokenClient::Callback<T> done) {
  Request message;
  ToMessage(request, &message);
  RetryingCall<Request, Response>::Start(
      std::move(connection), method, std::move(message), std::min(timeout, kLongestTimeout),
      [done = std::move(done)](const absl::Status& status, Response* response) {
        done(status.ok() ? FromMessage(response) : absl::StatusOr<T>(status));
      });
}

/// Waits for a call that ends by its own deadline.
template <class T, class StartCall>
absl::StatusOr<T> Wait(const StartCall& start) {
  const auto wait = std::make_shared<BlockingWait<T>>();
  start([wait](const absl::StatusOr<T>& result) { wait->Set(result); });
  return wait->WaitFor(absl::InfiniteDuration());
}

}  // namespace

struct TokenClient::State {
  std::shared_ptr<Connection> connection;
};

absl::StatusOr<std::shared_ptr<TokenClient>> TokenClient::Create(const ConnectionOptions& options) {
  absl::StatusOr<std::shared_ptr<Connection>> connection = Connection::Open(options);
  if (!connection.ok()) return connection.status();
  return std::shared_ptr<TokenClient>(
      new TokenClient(std::make_unique<State>(State{*std::move(connection)})));
}

TokenClient::TokenClient(const std::shared_ptr<grpc::ChannelInterface>& channel)
    : TokenClient(std::make_unique<State>(State{Connection::Over(MakeStub(channel))})) {}

TokenClient::TokenClient(std::unique_ptr<const State> state) : state_(std::move(state)) {}

TokenClient::~TokenClient() = default;

absl::StatusOr<AccessToken> TokenClient::AcquireForClient(const TokenRequest& request,
                                                          absl::Duration timeout) const {
  return Wait<AccessToken>([&](Callback<AccessToken> done) {
    AcquireForClientAsync(request, std::move(done), timeout);
  });
}

void TokenClient::AcquireForClientAsync(const TokenRequest& request, Callback<AccessToken> done,
                                        absl::Duration timeout) const {
  Call<v1::AcquireForClientRequest, v1::AcquireForClientResponse, AccessToken>(
      state_->connection, &v1::TokenService::StubInterface::async_interface::AcquireForClient,
      request, timeout, std::move(done));
}

absl::StatusOr<BatchResults> TokenClient::BatchAcquireForClient(
    const std::vector<TokenRequest>& requests, absl::Duration timeout) const {
  return Wait<BatchResults>([&](Callback<BatchResults> done) {
    BatchAcquireForClientAsync(requests, std::move(done), timeout);
  });
}

void TokenClient::BatchAcquireForClientAsync(const std::vector<TokenRequest>& requests,
                                             Callback<BatchResults> done,
                                             absl::Duration timeout) const {
  v1::BatchAcquireForClientRequest message;
  ToMessage(requests, &message);
  using Call = RetryingCall<v1::BatchAcquireForClientRequest, v1::BatchAcquireForClientResponse>;
  Call::Start(
      state_->connection, &v1::TokenService::StubInterface::async_interface::BatchAcquireForClient,
      std::move(message), std::min(timeout, kLongestTimeout),
      [done = std::move(done), size = requests.size()](
          const absl::Status& status, v1::BatchAcquireForClientResponse* response) {
        done(status.ok() ? FromMessage(response, size) : absl::StatusOr<BatchResults>(status));
      });
}

absl::StatusOr<AuthorizationHeaders> TokenClient::CreateAuthorizationHeader(
    const TokenRequest& request, absl::Duration timeout) const {
  return Wait<AuthorizationHeaders>([&](Callback<AuthorizationHeaders> done) {
    CreateAuthorizationHeaderAsync(request, std::move(done), timeout);
  });
}

void TokenClient::CreateAuthorizationHeaderAsync(const TokenRequest& request,
                                                 Callback<AuthorizationHeaders> done,
                                                 absl::Duration timeout) const {
  Call<v1::CreateAuthorizationHeaderRequest, v1::CreateAuthorizationHeaderResponse,
       AuthorizationHeaders>(
      state_->connection,
      &v1::TokenService::StubInterface::async_interface::CreateAuthorizationHeader, request,
      timeout, std::move(done));
}

}  // namespace tokensvc::client
