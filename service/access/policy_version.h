// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_POLICY_VERSION_H_
#define TOKENSVC_SERVICE_ACCESS_POLICY_VERSION_H_

#include <string>

#include "service/access/policy_spec.h"

namespace tokensvc {

/// Names what a policy says, in audit records and answers: 16 hexadecimal digits of SHA-256 over
/// all of it. Policies that differ in anything, order included, have different ones; the same
/// policy has the same one on every replica.
std::string PolicyVersion(const PolicySpec& spec);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_POLICY_VERSION_H_
