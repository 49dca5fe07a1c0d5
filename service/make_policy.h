// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_MAKE_POLICY_H_
#define TOKENSVC_SERVICE_MAKE_POLICY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "service/access/compiled_policy.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// The policy of a validated configuration.
absl::StatusOr<std::shared_ptr<const CompiledPolicy>> MakePolicy(
    const config::v1::ServiceConfig& config);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_MAKE_POLICY_H_
