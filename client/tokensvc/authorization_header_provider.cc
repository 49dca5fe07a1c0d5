// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/authorization_header_provider.h"

#include <utility>

#include "base/clock.h"
#include "client/core/near_cache.h"

namespace tokensvc::client {
namespace {

/// Outlives every cache: calls may end while the program does.
const Clock& TheClock() {
  static const auto* const clock = new SystemClock();
  return *clock;
}

}  // namespace

AuthorizationHeaderProvider::AuthorizationHeaderProvider(std::shared_ptr<const TokenClient> client)
    : AuthorizationHeaderProvider(std::move(client), Options()) {}

AuthorizationHeaderProvider::AuthorizationHeaderProvider(std::shared_ptr<const TokenClient> client,
                                                         const Options& options)
    : cache_(NearCache::Create(
          {options.max_tokens, options.max_waiting}, TheClock(),
          [client, timeout = options.call_timeout](const TokenRequest& request,
                                                   NearCache::Callback done) {
            client->AcquireForClientAsync(request, std::move(done), timeout);
          },
          [client, timeout = options.call_timeout](const std::vector<TokenRequest>& requests,
                                                   NearCache::ManyCallback done) {
            client->BatchAcquireForClientAsync(requests, std::move(done), timeout);
          })) {}

AuthorizationHeaderProvider::~AuthorizationHeaderProvider() = default;

absl::StatusOr<std::string> AuthorizationHeaderProvider::GetAuthorizationHeader(
    const TokenRequest& request, absl::Duration timeout) {
  const absl::StatusOr<AccessToken> token = GetToken(request, timeout);
  if (!token.ok()) return token.status();
  return std::string(token->RevealAuthorizationHeader());
}

absl::StatusOr<AccessToken> AuthorizationHeaderProvider::GetToken(const TokenRequest& request,
                                                                  absl::Duration timeout) {
  return cache_->GetBlocking(request, timeout);
}

void AuthorizationHeaderProvider::GetTokenAsync(const TokenRequest& request,
                                                TokenClient::Callback<AccessToken> done) {
  cache_->Get(request, std::move(done));
}

BatchResults AuthorizationHeaderProvider::GetTokens(const std::vector<TokenRequest>& requests,
                                                    absl::Duration timeout) {
  return cache_->GetManyBlocking(requests, timeout);
}

void AuthorizationHeaderProvider::GetTokensAsync(const std::vector<TokenRequest>& requests,
                                                 std::function<void(const BatchResults&)> done) {
  cache_->GetMany(requests, std::move(done));
}

std::optional<AccessToken> AuthorizationHeaderProvider::FindToken(const TokenRequest& request) {
  return cache_->Find(request);
}

}  // namespace tokensvc::client
