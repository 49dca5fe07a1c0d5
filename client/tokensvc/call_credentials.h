// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENSVC_CALL_CREDENTIALS_H_
#define TOKENSVC_CLIENT_TOKENSVC_CALL_CREDENTIALS_H_

#include <memory>

#include "absl/time/time.h"
#include "grpcpp/security/credentials.h"
#include "tokensvc/authorization_header_provider.h"
#include "tokensvc/token_request.h"

namespace tokensvc::client {

/// Call credentials that put `authorization: Bearer <token>` on outgoing gRPC calls. Combine them
/// with a channel's credentials (grpc::CompositeChannelCredentials) or set them on one call
/// (grpc::ClientContext::set_credentials). gRPC sends call credentials over secure channels only; a
/// call over another fails before anything is sent.
///
/// A token that is kept costs no call and no other thread. Else gRPC waits for it on a thread of a
/// pool that it has for this; at most 64 calls of these credentials wait at a time. A call whose
/// token can't be had fails before it is sent, whatever the reason as UNAVAILABLE (gRPC 1.51 knows
/// no other code for this); the message holds the reason and the correlation id.
std::shared_ptr<grpc::CallCredentials> MakeCallCredentials(
    std::shared_ptr<AuthorizationHeaderProvider> provider, TokenRequest request,
    absl::Duration timeout = kDefaultTimeout);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_TOKENSVC_CALL_CREDENTIALS_H_
