// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_EXPLAIN_ACCESS_H_
#define TOKENSVC_SERVICE_ACCESS_EXPLAIN_ACCESS_H_

#include <string>
#include <vector>

#include "service/access/caller.h"
#include "service/access/compiled_policy.h"
#include "service/access/policy.h"

namespace tokensvc {

/// Why a policy answers as it does, for an operator; never for the caller.
struct AccessExplanation {
  bool allowed = false;
  std::string rule;     ///< The one that allows it.
  std::string because;  ///< One sentence.
  /// What each rule for this caller lacks, the nearest ones first; at most ten.
  std::vector<std::string> near_misses;
};

AccessExplanation ExplainAccess(const CompiledPolicy& policy, const Caller& caller,
                                const AccessRequest& request);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_EXPLAIN_ACCESS_H_
