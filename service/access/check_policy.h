// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_CHECK_POLICY_H_
#define TOKENSVC_SERVICE_ACCESS_CHECK_POLICY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "service/access/policy_spec.h"

namespace tokensvc {

/// More rules than this are refused.
inline constexpr std::size_t kMaxPolicyRules = 100'000;
/// So are more of these, over all rules: callers of a rule times its registrations.
inline constexpr std::size_t kMaxPolicyEntries = 2'000'000;

/// The registrations that a policy may name, and whether tokens of each are for a tenant.
using KnownRegistrations = absl::flat_hash_map<std::string, bool>;

/// Every mistake of `spec`, in the order of the rules; none of them shows a value.
std::vector<PolicyError> CheckPolicy(const PolicySpec& spec,
                                     const KnownRegistrations& registrations);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_CHECK_POLICY_H_
