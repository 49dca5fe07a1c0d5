// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_ERROR_STATUS_H_
#define TOKENSVC_SERVICE_RPC_ERROR_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/strings/string_view.h"
#include "service/authority/error.h"

namespace tokensvc {

/// The gRPC status of an error, with its details as the contract promises
/// (tokensvc/v1/errors.proto). All details together stay under 4 KiB: gRPC turns a status whose
/// trailers pass about 8 KiB into RESOURCE_EXHAUSTED, so what is long (a claims challenge, many
/// violations) is left out rather than risk that.
grpc::Status ToGrpcStatus(const Error& error, absl::string_view correlation_id);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_ERROR_STATUS_H_
