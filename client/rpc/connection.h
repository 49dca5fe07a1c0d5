// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_RPC_CONNECTION_H_
#define TOKENSVC_CLIENT_RPC_CONNECTION_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"
#include "client/core/followed_files.h"
#include "tokensvc/connection_options.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::client {

/// How a client's calls reach the service, and what they show of the client. When a file of the
/// options has changed, the next call gets a channel made anew (gRPC 1.51 has nothing that follows
/// files and survives a bad one), or the new JWT on the channel that there is. Thread-safe.
class Connection {
 public:
  using Stub = v1::TokenService::StubInterface;
  struct ForCall {
    std::shared_ptr<Stub> stub;
    std::shared_ptr<const Secret> authorization;  ///< The header's value; null: none.
  };

  /// INVALID_ARGUMENT: the options make no sense, or a file can't be used.
  static absl::StatusOr<std::shared_ptr<Connection>> Open(const ConnectionOptions& options);
  /// Of the caller's own, which shows nothing more. Never null.
  static std::shared_ptr<Connection> Over(std::shared_ptr<Stub> stub);

  ForCall Next();

  /// The status of a failed call; where it may have failed over a file that was not taken over,
  /// with a word on that file.
  absl::Status Explain(const absl::Status& status) const;

 private:
  using Stubs = FollowedFiles<Stub>;
  using Authorizations = FollowedFiles<const Secret>;
  Connection(std::unique_ptr<Stubs> stubs, std::unique_ptr<Authorizations> authorizations);

  const std::unique_ptr<Stubs> stubs_;
  const std::unique_ptr<Authorizations> authorizations_;  ///< Null: no JWT.
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_RPC_CONNECTION_H_
