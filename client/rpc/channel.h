// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_RPC_CHANNEL_H_
#define TOKENSVC_CLIENT_RPC_CHANNEL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/secret.h"
#include "grpcpp/channel.h"
#include "tokensvc/connection_options.h"

namespace tokensvc::client {

/// A certificate with its intermediates, and its key. PEM texts.
struct KeyPair {
  std::string certificate_chain;
  Secret private_key;
};

/// What TLS is made of; null: the system's trust store, and no client certificate.
struct TlsMaterial {
  std::shared_ptr<const std::string> ca;
  std::shared_ptr<const KeyPair> pair;

  friend bool operator==(const TlsMaterial&, const TlsMaterial&) = default;
};

/// Whether the options make sense together. INVALID_ARGUMENT: they don't; no file is looked at.
absl::Status CheckOptions(const ConnectionOptions& options);

/// A channel as `options` say, both checked; nothing is connected yet.
std::shared_ptr<grpc::Channel> MakeChannel(const ConnectionOptions& options,
                                           const TlsMaterial& material);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_RPC_CHANNEL_H_
