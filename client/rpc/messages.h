// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_RPC_MESSAGES_H_
#define TOKENSVC_CLIENT_RPC_MESSAGES_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "tokensvc/access_token.h"
#include "tokensvc/authorization_headers.h"
#include "tokensvc/token_client.h"
#include "tokensvc/token_request.h"
#include "tokensvc/v1/token_service.pb.h"

namespace tokensvc::client {

void ToMessage(const TokenRequest& request, v1::AcquireForClientRequest* message);
/// For the application itself.
void ToMessage(const TokenRequest& request, v1::CreateAuthorizationHeaderRequest* message);

void ToMessage(const std::vector<TokenRequest>& requests,
               v1::BatchAcquireForClientRequest* message);

/// Takes the token out of the answer. INTERNAL: the answer holds none that can be sent as a bearer
/// token (RFC 6750 §2.1).
absl::StatusOr<AccessToken> FromMessage(v1::AcquireForClientResponse* message);
/// Takes the headers out of the answer. INTERNAL: it holds none, or one that is not a header.
absl::StatusOr<AuthorizationHeaders> FromMessage(v1::CreateAuthorizationHeaderResponse* message);

/// Takes the tokens and errors out of the answer. INTERNAL: it has not one for each of `requests`.
absl::StatusOr<BatchResults> FromMessage(v1::BatchAcquireForClientResponse* message,
                                         std::size_t requests);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_RPC_MESSAGES_H_
