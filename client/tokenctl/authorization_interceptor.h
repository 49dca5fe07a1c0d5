// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_AUTHORIZATION_INTERCEPTOR_H_
#define TOKENSVC_CLIENT_TOKENCTL_AUTHORIZATION_INTERCEPTOR_H_

#include <memory>

#include "base/secret.h"
#include "grpcpp/support/client_interceptor.h"

namespace tokensvc::tokenctl {

/// For a channel: sets `authorization` on each of its calls. gRPC's call credentials would do so
/// over TLS only, and JWTs are taken over Unix sockets and loopback too; that no JWT goes elsewhere
/// in clear is for who makes the channel.
std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface> MakeAuthorizationInterceptor(
    Secret value);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_AUTHORIZATION_INTERCEPTOR_H_
