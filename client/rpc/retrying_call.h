// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_RPC_RETRYING_CALL_H_
#define TOKENSVC_CLIENT_RPC_RETRYING_CALL_H_

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/core/retry_policy.h"
#include "client/rpc/callback_scope.h"
#include "client/rpc/connection.h"
#include "client/rpc/grpc_status.h"
#include "grpcpp/alarm.h"
#include "grpcpp/client_context.h"
#include "tokensvc/error_details.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::client {

/// One unary call with its deadline and its retries (client/core/retry_policy.h). Owns itself until
/// it is done; nothing waits on a thread.
template <class Request, class Response>
class RetryingCall : public std::enable_shared_from_this<RetryingCall<Request, Response>> {
 public:
  using Stub = v1::TokenService::StubInterface;
  using Method = void (Stub::async_interface::*)(grpc::ClientContext*, const Request*, Response*,
                                                 std::function<void(grpc::Status)>);
  /// Called once, on one of gRPC's threads; `response` is valid during the call, and only where the
  /// status is OK.
  using Done = std::function<void(const absl::Status& status, Response* response)>;

  static void Start(std::shared_ptr<Connection> connection, Method method, Request request,
                    absl::Duration timeout, Done done) {
    std::shared_ptr<RetryingCall> call(new RetryingCall(
        std::move(connection), method, std::move(request), absl::Now() + timeout, std::move(done)));
    call->Attempt();
  }

 private:
  RetryingCall(std::shared_ptr<Connection> connection, Method method, Request request,
               absl::Time deadline, Done done)
      : connection_(std::move(connection)),
        method_(method),
        request_(std::move(request)),
        deadline_(deadline),
        done_(std::move(done)) {}

  void Attempt() {
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(absl::ToChronoTime(deadline_));
    Connection::ForCall next = connection_->Next();
    stub_ = std::move(next.stub);
    if (next.authorization != nullptr) {
      context_->AddMetadata("authorization", std::string(next.authorization->Reveal()));
    }
    response_.Clear();
    (stub_->async()->*method_)(context_.get(), &request_, &response_,
                               [self = this->shared_from_this()](const grpc::Status& status) {
                                 const CallbackScope scope;
                                 self->End(status);
                               });
  }

  void End(const grpc::Status& status) {
    context_.reset();
    const absl::Status result = connection_->Explain(ToAbslStatus(status));
    if (result.ok()) return Finish(result);
    FailedAttempt attempt;
    attempt.code = result.code();
    attempt.retry_delay = ErrorDetailsOf(result).retry_delay;
    attempt.retries_before = retries_;
    attempt.time_left = deadline_ - absl::Now();
    const std::optional<absl::Duration> delay = DelayBeforeRetry(attempt, Random());
    if (!delay.has_value()) return Finish(result);
    ++retries_;
    // An alarm keeps its callback until it ends itself: what the callback holds must be given up
    // when it has run, or the two would keep each other.
    auto self = std::make_shared<std::shared_ptr<RetryingCall>>(this->shared_from_this());
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(absl::ToChronoTime(absl::Now() + *delay), [self](bool) {
      const CallbackScope scope;
      std::exchange(*self, nullptr)->Attempt();
    });
  }

  /// Gives up the channel before anybody hears of the result, so that whoever waits for it can end
  /// the client on a thread of its own (client/rpc/callback_scope.h).
  void Finish(const absl::Status& result) {
    stub_.reset();
    connection_.reset();
    done_(result, result.ok() ? &response_ : nullptr);
  }

  static double Random() {
    thread_local std::minstd_rand generator{std::random_device()()};
    return std::uniform_real_distribution<double>(0, 1)(generator);
  }

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Stub> stub_;  ///< Of the attempt that runs.
  const Method method_;
  const Request request_;
  const absl::Time deadline_;
  const Done done_;
  std::unique_ptr<grpc::ClientContext> context_;  ///< Of the attempt that runs.
  Response response_;
  int retries_ = 0;
  std::unique_ptr<grpc::Alarm> alarm_;
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_RPC_RETRYING_CALL_H_
