// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_REASON_ADVICE_H_
#define TOKENSVC_CLIENT_TOKENCTL_REASON_ADVICE_H_

#include "absl/strings/string_view.h"
#include "grpcpp/support/status_code_enum.h"

namespace tokensvc::tokenctl {

/// What somebody who meets `reason` (`google.rpc.ErrorInfo.reason` of domain "tokensvc") can do, in
/// one or two sentences. Empty for a reason that this version does not know.
absl::string_view AdviceForReason(absl::string_view reason);

/// The same for a bare gRPC status: an error that no Token Service explained.
absl::string_view AdviceForStatus(grpc::StatusCode code);

/// `PERMISSION_DENIED` and so on; `UNKNOWN` for numbers that gRPC does not have.
absl::string_view StatusName(grpc::StatusCode code);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_REASON_ADVICE_H_
