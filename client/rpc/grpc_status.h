// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_RPC_GRPC_STATUS_H_
#define TOKENSVC_CLIENT_RPC_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

namespace tokensvc::client {

/// Under which payload of an `absl::Status` the serialized details are.
inline constexpr absl::string_view kDetailsPayload = "type.googleapis.com/google.rpc.Status";

/// The same code and message, with the reason and the correlation id in the message, for logs, and
/// the details as a payload, for ErrorDetailsOf.
absl::Status ToAbslStatus(const grpc::Status& status);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_RPC_GRPC_STATUS_H_
