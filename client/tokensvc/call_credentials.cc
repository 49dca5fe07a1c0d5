// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/call_credentials.h"

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tokensvc::client {
namespace {

/// gRPC's pool makes a thread for each call that waits.
constexpr int kMaxWaiting = 64;

class TokenCredentialsPlugin final : public grpc::MetadataCredentialsPlugin {
 public:
  TokenCredentialsPlugin(std::shared_ptr<AuthorizationHeaderProvider> provider,
                         TokenRequest request, absl::Duration timeout)
      : provider_(std::move(provider)), request_(std::move(request)), timeout_(timeout) {}

  /// gRPC asks before each call, and then calls GetMetadata on this very thread or on its pool. A
  /// token that ends just in between makes one call wait here.
  bool IsBlocking() const override { return !provider_->FindToken(request_).has_value(); }

  const char* GetType() const override { return "tokensvc"; }

  grpc::string DebugString() override { return "tokensvc::client::TokenCredentialsPlugin"; }

  grpc::Status GetMetadata(grpc::string_ref, grpc::string_ref, const grpc::AuthContext&,
                           std::multimap<grpc::string, grpc::string>* metadata) override {
    absl::StatusOr<AccessToken> token = Token();
    if (!token.ok()) {
      return {static_cast<grpc::StatusCode>(token.status().code()),
              std::string(token.status().message())};
    }
    metadata->emplace("authorization", std::string(token->RevealAuthorizationHeader()));
    return grpc::Status::OK;
  }

 private:
  absl::StatusOr<AccessToken> Token() {
    if (std::optional<AccessToken> kept = provider_->FindToken(request_); kept.has_value()) {
      return *std::move(kept);
    }
    if (waiting_.fetch_add(1) >= kMaxWaiting) {
      waiting_.fetch_sub(1);
      return absl::UnavailableError("too many calls wait for a token");
    }
    absl::StatusOr<AccessToken> token = provider_->GetToken(request_, timeout_);
    waiting_.fetch_sub(1);
    return token;
  }

  const std::shared_ptr<AuthorizationHeaderProvider> provider_;
  const TokenRequest request_;
  const absl::Duration timeout_;
  std::atomic<int> waiting_ = 0;
};

}  // namespace

std::shared_ptr<grpc::CallCredentials> MakeCallCredentials(
    std::shared_ptr<AuthorizationHeaderProvider> provider, TokenRequest request,
    absl::Duration timeout) {
  return grpc::MetadataCredentialsFromPlugin(
      std::make_unique<TokenCredentialsPlugin>(std::move(provider), std::move(request), timeout));
}

}  // namespace tokensvc::client
