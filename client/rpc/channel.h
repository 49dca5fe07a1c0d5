// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_RPC_CHANNEL_H_
#define TOKENSVC_CLIENT_RPC_CHANNEL_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"
#include "client/core/followed_files.h"
#include "grpcpp/channel.h"
#include "tokensvc/connection_options.h"

namespace tokensvc::client {

/// Whether the options make sense together. INVALID_ARGUMENT: they don't; no file is looked at.
absl::Status CheckOptions(const ConnectionOptions& options);

/// The files that a channel is made of.
std::vector<NamedFile> ChannelFiles(const ConnectionOptions& options);

/// A channel as `options` (checked) say, of what ChannelFiles hold; nothing is connected yet.
/// INVALID_ARGUMENT: they hold nothing that TLS can use. `first`: there is no channel yet that
/// would do better than one with an expired certificate.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectionOptions& options,
                                                           const std::vector<Secret>& contents,
                                                           bool first);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_RPC_CHANNEL_H_
