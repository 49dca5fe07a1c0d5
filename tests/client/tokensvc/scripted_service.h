// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CLIENT_TOKENSVC_SCRIPTED_SERVICE_H_
#define TOKENSVC_TESTS_CLIENT_TOKENSVC_SCRIPTED_SERVICE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "google/rpc/error_details.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/client/error_details.h"
#include "tokensvc/token_client.h"
#include "tokensvc/v1/errors.pb.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::client {

inline TokenRequest OrdersRequest() {
  TokenRequest request;
  request.registration = "orders";
  request.scopes = {"https://graph.example/.default"};
  return request;
}

inline void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  out->set_seconds(absl::ToUnixSeconds(time));
}

/// A status as the service sends it.
inline grpc::Status Refusal(grpc::StatusCode code, const std::string& reason,
                            absl::Duration retry_delay = absl::InfiniteDuration()) {
  google::rpc::Status details;
  tokenctl::AddErrorInfo("tokensvc", reason, "correlation-7", &details);
  if (retry_delay != absl::InfiniteDuration()) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(retry_delay));
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(
        absl::ToInt64Nanoseconds(retry_delay - absl::Floor(retry_delay, absl::Seconds(1)))));
    details.add_details()->PackFrom(retry);
  }
  return tokenctl::WithDetails(code, "no", details);
}

/// The same as an item of a batch has it.
inline void SetError(const grpc::Status& status, v1::BatchError* out) {
  out->ParseFromString(status.error_details());
  out->set_code(status.error_code());
  out->set_message(status.error_message());
}

/// A Token Service in this process that answers calls with the statuses that the test lists, in
/// turn, and with `token-<number of the call>` after those.
class ScriptedService final : public v1::TokenService::Service {
 public:
  /// What a call was, as its server saw it.
  struct Seen {
    v1::AcquireForClientRequest request;
    absl::Duration time_left;
    std::vector<std::string> authorization;
    std::string certificate;  ///< The common name that the client showed.
  };

  explicit ScriptedService(const std::shared_ptr<grpc::ServerCredentials>& credentials =
                               grpc::InsecureServerCredentials(),
                           std::string address = "127.0.0.1:0")
      : address_(std::move(address)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, credentials, &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedService() override { server_->Shutdown(); }

  std::string address() const {
    return absl::StartsWith(address_, "unix:") ? address_ : absl::StrCat("127.0.0.1:", port_);
  }

  std::shared_ptr<TokenClient> MakeClient() const {
    ConnectionOptions options;
    options.address = address();
    options.plaintext = true;
    return *TokenClient::Create(options);
  }

  /// Statuses of the next calls.
  void Fail(std::vector<grpc::Status> statuses) {
    MutexLock lock(&mutex_);
    for (grpc::Status& status : statuses) failures_.push_back(std::move(status));
  }
  /// Calls do not end before LetGo.
  void Hold() {
    MutexLock lock(&mutex_);
    held_ = true;
  }
  void LetGo() {
    MutexLock lock(&mutex_);
    held_ = false;
    changed_.NotifyAll();
  }
  /// Changes each answer that is no failure.
  void Edit(std::function<void(v1::AcquireForClientResponse&)> edit) {
    MutexLock lock(&mutex_);
    edit_ = std::move(edit);
  }
  void EditHeaders(std::function<void(v1::CreateAuthorizationHeaderResponse&)> edit) {
    MutexLock lock(&mutex_);
    edit_headers_ = std::move(edit);
  }

  void EditBatch(std::function<void(v1::BatchAcquireForClientResponse&)> edit) {
    MutexLock lock(&mutex_);
    edit_batch_ = std::move(edit);
  }

  std::vector<v1::BatchAcquireForClientRequest> batches() const {
    MutexLock lock(&mutex_);
    return batches_;
  }
  int calls() const { return static_cast<int>(seen().size()); }
  std::vector<Seen> seen() const {
    MutexLock lock(&mutex_);
    return seen_;
  }

  grpc::Status AcquireForClient(grpc::ServerContext* context,
                                const v1::AcquireForClientRequest* request,
                                v1::AcquireForClientResponse* response) override {
    const grpc::Status status = Enter(*context, *request);
    if (!status.ok()) return status;
    MutexLock lock(&mutex_);
    Answer(absl::StrCat("token-", seen_.size()), *response);
    if (edit_) edit_(*response);
    return grpc::Status::OK;
  }

  /// Items as single calls are answered, and `refused` as a registration is refused. What was seen
  /// of the call is its first item.
  grpc::Status BatchAcquireForClient(grpc::ServerContext* context,
                                     const v1::BatchAcquireForClientRequest* request,
                                     v1::BatchAcquireForClientResponse* response) override {
    const grpc::Status status =
        Enter(*context,
              request->requests().empty() ? v1::AcquireForClientRequest() : request->requests(0));
    if (!status.ok()) return status;
    MutexLock lock(&mutex_);
    batches_.push_back(*request);
    for (const v1::AcquireForClientRequest& item : request->requests()) {
      v1::BatchResult& result = *response->add_results();
      if (item.registration() == "refused") {
        SetError(Refusal(grpc::StatusCode::PERMISSION_DENIED, "POLICY_DENIED"),
                 result.mutable_error());
        continue;
      }
      Answer(absl::StrCat("token-", item.registration()), *result.mutable_response());
      if (edit_) edit_(*result.mutable_response());
    }
    if (edit_batch_) edit_batch_(*response);
    return grpc::Status::OK;
  }

  grpc::Status CreateAuthorizationHeader(grpc::ServerContext* context,
                                         const v1::CreateAuthorizationHeaderRequest* request,
                                         v1::CreateAuthorizationHeaderResponse* response) override {
    v1::AcquireForClientRequest alike;
    alike.set_registration(request->has_app() ? request->registration() : "");
    const grpc::Status status = Enter(*context, alike);
    if (!status.ok()) return status;
    v1::Header& header = *response->add_headers();
    header.set_name("Authorization");
    header.set_value("Bearer token");
    response->set_correlation_id("correlation-2");
    MutexLock lock(&mutex_);
    if (edit_headers_) edit_headers_(*response);
    return grpc::Status::OK;
  }

 private:
  static void Answer(const std::string& value, v1::AcquireForClientResponse& response) {
    v1::AccessToken& token = *response.mutable_access_token();
    token.set_value(value);
    token.set_token_type(v1::TOKEN_TYPE_BEARER);
    token.set_tenant("contoso");
    token.add_granted_scopes("s1");
    SetTime(absl::Now() + absl::Hours(1), token.mutable_expires_at());
    SetTime(absl::Now() + absl::Minutes(50), token.mutable_refresh_at());
    SetTime(absl::Now() + absl::Minutes(1), response.mutable_near_cache_until());
    response.set_source(v1::TOKEN_SOURCE_LOCAL_CACHE);
    response.set_correlation_id("correlation-1");
  }

  grpc::Status Enter(const grpc::ServerContext& context,
                     const v1::AcquireForClientRequest& request) {
    MutexLock lock(&mutex_);
    Seen seen{request, absl::FromChrono(context.deadline()) - absl::Now(), {}, {}};
    const auto headers = context.client_metadata().equal_range("authorization");
    for (auto header = headers.first; header != headers.second; ++header) {
      seen.authorization.emplace_back(header->second.data(), header->second.size());
    }
    for (const grpc::string_ref& name :
         context.auth_context()->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME)) {
      seen.certificate.assign(name.data(), name.size());
    }
    seen_.push_back(std::move(seen));
    while (held_) changed_.Wait(&mutex_);
    if (failures_.empty()) return grpc::Status::OK;
    const grpc::Status status = failures_.front();
    failures_.erase(failures_.begin());
    return status;
  }

  const std::string address_;
  int port_ = 0;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<grpc::Status> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<Seen> seen_ ABSL_GUARDED_BY(mutex_);
  std::function<void(v1::AcquireForClientResponse&)> edit_ ABSL_GUARDED_BY(mutex_);
  std::function<void(v1::CreateAuthorizationHeaderResponse&)> edit_headers_ ABSL_GUARDED_BY(mutex_);
  std::function<void(v1::BatchAcquireForClientResponse&)> edit_batch_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::BatchAcquireForClientRequest> batches_ ABSL_GUARDED_BY(mutex_);
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_TESTS_CLIENT_TOKENSVC_SCRIPTED_SERVICE_H_
