// SPDX-License-Identifier: Apache-2.0
#include "service/make_policy.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "service/config/policy_config.h"

namespace tokensvc {

absl::StatusOr<std::shared_ptr<const CompiledPolicy>> MakePolicy(
    const config::v1::ServiceConfig& config) {
  auto compiled =
      CompiledPolicy::Compile(PolicySpecOf(config.policy()), KnownRegistrationsOf(config));
  if (compiled.ok()) return *std::move(compiled);
  const PolicyError& first = compiled.error().front();
  return absl::InvalidArgumentError(absl::StrCat("policy.", first.path, ": ", first.message));
}

}  // namespace tokensvc
