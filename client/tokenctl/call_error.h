// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_CALL_ERROR_H_
#define TOKENSVC_CLIENT_TOKENCTL_CALL_ERROR_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "client/tokenctl/options.h"
#include "grpcpp/support/status.h"
#include "tokensvc/v1/errors.pb.h"

namespace tokensvc::tokenctl {

/// A failed call with its details taken apart. Every text in it comes from the other side: escape
/// it before it is shown.
struct CallError {
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
  std::string message;
  std::string reason;  ///< Empty where no Token Service said why.
  std::string correlation_id;
  std::vector<std::pair<std::string, std::string>> violations;  ///< Field and what to write.
  std::optional<absl::Duration> retry_after;
  std::optional<v1::AuthorityError> authority;
};

/// Reads the status and its `google.rpc.Status` details; what is malformed or unknown in those is
/// left out.
CallError ReadError(const grpc::Status& status);

/// kExitUnreachable where no Token Service answered (a bare UNAVAILABLE or DEADLINE_EXCEEDED), else
/// kExitRefused.
ExitCode ExitCodeOf(const CallError& error);

/// For people: several lines, what to do included, safe for a terminal.
std::string ErrorText(const CallError& error);

/// For programs: `{"error": {…}}`, one JSON document and a line end.
std::string ErrorJson(const CallError& error);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_CALL_ERROR_H_
