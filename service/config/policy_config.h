// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_POLICY_CONFIG_H_
#define TOKENSVC_SERVICE_CONFIG_POLICY_CONFIG_H_

#include <string>

#include "service/access/check_policy.h"
#include "service/access/policy_spec.h"
#include "service/config/config_error.h"
#include "service/config/validate.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// The registrations that the policy of `config` may name.
KnownRegistrations KnownRegistrationsOf(const config::v1::ServiceConfig& config);

/// `policy` as the core takes it: tenants in lower case.
PolicySpec PolicySpecOf(const config::v1::Policy& policy);

/// Reports what is wrong with `config.policy()`, at paths that begin with `path` (empty: the policy
/// is the whole file).
void ValidatePolicy(const config::v1::ServiceConfig& config, const std::string& path,
                    ConfigReporter* reporter);

/// Reads the policy that `config.policy_file()` names into `config->policy()` and checks it. What
/// is wrong becomes errors at `policy_file`, each with its own place in that file. Reads with
/// blocking calls.
void LoadPolicyFile(config::v1::ServiceConfig* config, ConfigReporter* reporter);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_POLICY_CONFIG_H_
