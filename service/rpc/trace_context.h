// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_TRACE_CONTEXT_H_
#define TOKENSVC_SERVICE_RPC_TRACE_CONTEXT_H_

#include <grpcpp/server_context.h>

#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// The trace id in a `traceparent` header (W3C Trace Context §3.2), 32 lower-case hex digits; empty
/// where the header is malformed, as the specification wants it.
std::string ParseTraceId(absl::string_view traceparent);

/// The trace id of a call; empty where it brings none.
std::string TraceIdOf(const grpc::CallbackServerContext& context);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_TRACE_CONTEXT_H_
