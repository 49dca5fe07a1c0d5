// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENSVC_TOKEN_CLIENT_H_
#define TOKENSVC_CLIENT_TOKENSVC_TOKEN_CLIENT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tokensvc/access_token.h"
#include "tokensvc/authorization_headers.h"
#include "tokensvc/connection_options.h"
#include "tokensvc/token_request.h"

namespace grpc {
class ChannelInterface;
}  // namespace grpc

namespace tokensvc::client {

/// How long a call may take, its retries included, unless the caller says otherwise. Never more
/// than five minutes.
inline constexpr absl::Duration kDefaultTimeout = absl::Seconds(10);

/// How many tokens one call of BatchAcquireForClient may ask for.
inline constexpr std::size_t kMaxBatch = 100;

/// A token or an error for each request of a batch, in their order.
using BatchResults = std::vector<absl::StatusOr<AccessToken>>;

/// Calls a Token Service. Every call is one RPC (AuthorizationHeaderProvider keeps tokens) and has
/// a deadline. A failure for which the service says when to come back (RetryInfo of UNAVAILABLE and
/// RESOURCE_EXHAUSTED) is tried again, at most twice and within the deadline; nothing else is.
///
/// Errors are `absl::Status` with the service's code; ErrorDetailsOf (tokensvc/error_details.h) has
/// reason, retry delay, claims challenge and correlation id. INTERNAL without details: the answer
/// holds no usable token.
///
/// Thread-safe; one client is enough for a process. Callbacks run on gRPC's threads and must not
/// block; they are called also after the client's end.
class TokenClient {
 public:
  template <class T>
  using Callback = std::function<void(const absl::StatusOr<T>&)>;

  /// Connects when the first call needs it. INVALID_ARGUMENT: the options make no sense, or a file
  /// can't be used.
  static absl::StatusOr<std::shared_ptr<TokenClient>> Create(const ConnectionOptions& options);
  /// Over a channel of the caller's own, which alone says who the client is.
  explicit TokenClient(const std::shared_ptr<grpc::ChannelInterface>& channel);
  ~TokenClient();
  TokenClient(const TokenClient&) = delete;
  TokenClient& operator=(const TokenClient&) = delete;

  /// A token for the application itself (RFC 6749 §4.4).
  absl::StatusOr<AccessToken> AcquireForClient(const TokenRequest& request,
                                               absl::Duration timeout = kDefaultTimeout) const;
  void AcquireForClientAsync(const TokenRequest& request, Callback<AccessToken> done,
                             absl::Duration timeout = kDefaultTimeout) const;

  /// Up to kMaxBatch such tokens in one call, of any registrations, tenants and scopes. The call
  /// fails only as a whole (nobody answered, none or too many requests), and is tried again only
  /// then; each result may be an error of its own, which has its details and is not tried again.
  absl::StatusOr<BatchResults> BatchAcquireForClient(
      const std::vector<TokenRequest>& requests, absl::Duration timeout = kDefaultTimeout) const;
  void BatchAcquireForClientAsync(const std::vector<TokenRequest>& requests,
                                  Callback<BatchResults> done,
                                  absl::Duration timeout = kDefaultTimeout) const;

  /// The headers to set on a request to a resource, for the application itself.
  absl::StatusOr<AuthorizationHeaders> CreateAuthorizationHeader(
      const TokenRequest& request, absl::Duration timeout = kDefaultTimeout) const;
  void CreateAuthorizationHeaderAsync(const TokenRequest& request,
                                      Callback<AuthorizationHeaders> done,
                                      absl::Duration timeout = kDefaultTimeout) const;

 private:
  struct State;
  explicit TokenClient(std::unique_ptr<const State> state);

  std::unique_ptr<const State> state_;
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_TOKENSVC_TOKEN_CLIENT_H_
