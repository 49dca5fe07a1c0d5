// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_POLICY_SPEC_H_
#define TOKENSVC_SERVICE_ACCESS_POLICY_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

namespace tokensvc {

/// A name for several callers.
struct CallerGroup {
  std::string name;
  std::vector<std::string> callers;  ///< As `PolicyRule::callers`, without groups.
};

/// What some callers may have. A request is allowed where one rule covers all of it.
struct PolicyRule {
  std::string name;
  /// Ids as in `Caller::id`; `group:NAME`; a prefix up to a `/` or `:` and then `*`
  /// (`spiffe://prod.example/ns/orders/*`); `dns:*.SUFFIX`; or `*` alone: every caller that has an
  /// identity.
  std::vector<std::string> callers;
  std::vector<std::string> registrations;  ///< Names; or `*` alone.
  std::vector<std::string> tenants;        ///< GUIDs and domains in lower case; or `*` alone.
  std::vector<std::string> grants;         ///< As in `AccessRequest::grant`; or `*` alone.
  std::vector<std::string> scopes;  ///< Whole scopes, prefixes that end in `*`; or `*` alone.
  bool force_refresh = true;        ///< `force_refresh` and claims challenges, within their budget.
  bool client_claims = false;
};

/// What one caller may ask of one replica. Zero: nothing is said.
struct CallerQuota {
  std::uint32_t calls_per_second = 0;
  std::uint32_t burst = 0;             ///< Calls at once, after a pause.
  std::uint32_t concurrent_calls = 0;  ///< That wait, because their token is not in memory.
};

/// The quota of some callers, each for itself.
struct QuotaRule {
  std::vector<std::string> callers;  ///< As `PolicyRule::callers`.
  CallerQuota quota;
};

/// A policy as its author wrote it.
struct PolicySpec {
  std::vector<CallerGroup> groups;
  std::vector<PolicyRule> rules;
  std::vector<std::string> administrators;  ///< As `PolicyRule::callers`.
  std::vector<std::string> observers;       ///< Likewise.
  std::vector<QuotaRule> quotas;  ///< The first that names a caller is its; none: the standard.
};

/// A mistake in a policy.
struct PolicyError {
  std::string path;     ///< `rules[3].callers[0]`.
  std::string message;  ///< What is wrong and what to write; shows no value.
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_POLICY_SPEC_H_
