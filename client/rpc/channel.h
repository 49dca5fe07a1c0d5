// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_RPC_CHANNEL_H_
#define TOKENSVC_CLIENT_RPC_CHANNEL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "tokensvc/connection_options.h"

namespace tokensvc::client {

/// A channel as `options` say; nothing is connected yet. INVALID_ARGUMENT: they make no sense, or a
/// file can't be used.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectionOptions& options);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_RPC_CHANNEL_H_
