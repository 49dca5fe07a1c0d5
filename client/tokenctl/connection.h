// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_CONNECTION_H_
#define TOKENSVC_CLIENT_TOKENCTL_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/tokenctl/options.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/grpcpp.h"

namespace tokensvc::tokenctl {

/// A channel as `options` say, whose calls carry the JWT where there is one; nothing is connected
/// yet. Loopback addresses are never sent to a proxy of the environment, answers are capped at
/// 1 MiB. kInvalidArgument: a file can't be used.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectionOptions& options);

/// Gives `context` the deadline `timeout` from now.
void PrepareContext(absl::Duration timeout, grpc::ClientContext* context);

/// `grpc.health.v1.Health/Check` for `service`. Waits no longer than `timeout`.
grpc::Status CheckHealth(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
                         absl::Duration timeout, grpc::health::v1::HealthCheckResponse* response);

/// The names of the server's services, by reflection (v1alpha, which gRPC 1.51 serves).
/// UNIMPLEMENTED: it is off. Waits no longer than `timeout`.
grpc::Status ListServices(const std::shared_ptr<grpc::Channel>& channel, absl::Duration timeout,
                          std::vector<std::string>* services);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_CONNECTION_H_
