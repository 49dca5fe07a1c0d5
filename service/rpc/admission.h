// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_ADMISSION_H_
#define TOKENSVC_SERVICE_RPC_ADMISSION_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "service/access/caller.h"
#include "service/access/caller_quotas.h"
#include "service/access/forced_refresh_budget.h"
#include "service/access/policy_holder.h"
#include "service/authority/error.h"
#include "service/rpc/call_audit.h"
#include "service/rpc/directory_holder.h"
#include "service/source/app_token_request.h"

namespace tokensvc {

/// What stands between a caller and the cache (DESIGN.md §4): its quota, then registration,
/// request, policy, and the budget of forced refreshes. Thread-safe.
class Admission {
 public:
  struct Dependencies {
    const DirectoryHolder& directory;
    const PolicyHolder& policy;
    CallerQuotas& quotas;
    ForcedRefreshBudget& forced_budget;
    const Clock& clock;
  };

  explicit Admission(Dependencies dependencies) : deps_(dependencies) {}

  /// Takes `calls` from the caller's quota, before anything is looked into: what is malformed or
  /// denied costs as much as what is not.
  std::optional<Error> TakeQuota(const Caller& caller, int calls, BootTime now) const;

  /// The request, if it is one that `policy` allows. The one answer for every denial hides its
  /// cause, which goes to `verdict` for log and audit. Of AcquireForClientRequest and
  /// CreateAuthorizationHeaderRequest.
  template <class Request>
  Result<AppTokenRequest> Admit(const Caller& caller, const CompiledPolicy& policy,
                                const Request& request, Verdict* verdict) const;

  /// Writes into a request that has to wait who asks, and how many of its calls may wait.
  void NameCaller(const Caller& caller, AppTokenRequest& request) const;

 private:
  const Dependencies deps_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_ADMISSION_H_
