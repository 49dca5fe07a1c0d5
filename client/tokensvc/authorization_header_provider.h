// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENSVC_AUTHORIZATION_HEADER_PROVIDER_H_
#define TOKENSVC_CLIENT_TOKENSVC_AUTHORIZATION_HEADER_PROVIDER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tokensvc/access_token.h"
#include "tokensvc/token_client.h"
#include "tokensvc/token_request.h"

namespace tokensvc::client {

class NearCache;

/// `Bearer <token>` for every request to a resource. Tokens are kept in memory for as long as the
/// service allows (`near_cache_for`), so that most headers need no call and less than a
/// microsecond; threads that need the same new token share one call. Revocation, purges and changes
/// of policy reach a process as much later as its tokens are kept: that is the operator's setting
/// (`near_cache` of a registration, 60 s where it says nothing, 0: tokens are not kept).
///
/// A request with a claims challenge or `force_refresh` always asks the service, and what it brings
/// replaces the token that is kept.
///
/// Errors as TokenClient's; also DEADLINE_EXCEEDED when the caller's `timeout` ends first, and
/// RESOURCE_EXHAUSTED without details when too many wait. Thread-safe; one is enough for a process.
class AuthorizationHeaderProvider {
 public:
  struct Options {
    std::size_t max_tokens = 1000;     ///< One not used lately goes first; 0: keep none.
    std::size_t max_waiting = 10'000;  ///< Requests that wait for a call; more are refused.
    absl::Duration call_timeout = kDefaultTimeout;  ///< Of each call to the service.
  };

  explicit AuthorizationHeaderProvider(std::shared_ptr<const TokenClient> client);
  AuthorizationHeaderProvider(std::shared_ptr<const TokenClient> client, const Options& options);
  ~AuthorizationHeaderProvider();
  AuthorizationHeaderProvider(const AuthorizationHeaderProvider&) = delete;
  AuthorizationHeaderProvider& operator=(const AuthorizationHeaderProvider&) = delete;

  /// The value of an HTTP `Authorization` header. The string is a copy that nobody overwrites:
  /// GetToken gives one that is.
  absl::StatusOr<std::string> GetAuthorizationHeader(const TokenRequest& request,
                                                     absl::Duration timeout = kDefaultTimeout);

  /// The token with what is known about it. Waits for at most `timeout`, and no longer than for the
  /// call to the service.
  absl::StatusOr<AccessToken> GetToken(const TokenRequest& request,
                                       absl::Duration timeout = kDefaultTimeout);

  /// The same without waiting: `done` is called at once, on this thread, where a token is kept,
  /// else on one of gRPC's threads, and must not block there.
  void GetTokenAsync(const TokenRequest& request, TokenClient::Callback<AccessToken> done);

  /// A token or an error for each request, in their order: those that are kept, and one call
  /// (TokenClient::BatchAcquireForClient) for each hundred of the others, whose tokens are kept as
  /// others are. DEADLINE_EXCEEDED for those that did not come within `timeout`.
  BatchResults GetTokens(const std::vector<TokenRequest>& requests,
                         absl::Duration timeout = kDefaultTimeout);

  /// The same without waiting; `done` is called once, when all are there, as GetTokenAsync's.
  void GetTokensAsync(const std::vector<TokenRequest>& requests,
                      std::function<void(const BatchResults&)> done);

  /// The token that is kept, if one is; never calls the service.
  std::optional<AccessToken> FindToken(const TokenRequest& request);

 private:
  const std::shared_ptr<NearCache> cache_;
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_TOKENSVC_AUTHORIZATION_HEADER_PROVIDER_H_
