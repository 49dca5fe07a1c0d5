// SPDX-License-Identifier: Apache-2.0
#include "service/access/explain_access.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxNearMisses = 10;

/// What is wrong, as the end of a sentence that begins with a rule.
absl::string_view Lacks(DenialCause cause) {
  switch (cause) {
    case DenialCause::kNone:
    case DenialCause::kCaller:
      return "is not for this caller";
    case DenialCause::kRegistration:
      return "is for other registrations";
    case DenialCause::kTenant:
      return "does not list this tenant";
    case DenialCause::kGrant:
      return "does not list this grant";
    case DenialCause::kScope:
      return "does not list all of these scopes";
    case DenialCause::kForcedRefresh:
      return "allows no forced refresh (force_refresh, claims challenges)";
    case DenialCause::kClientClaims:
      return "allows no client claims";
  }
  return "";
}

}  // namespace

AccessExplanation ExplainAccess(const CompiledPolicy& policy, const Caller& caller,
                                const AccessRequest& request) {
  const PolicyDecision decision = policy.Decide(caller, request);
  AccessExplanation explanation;
  explanation.allowed = decision.allowed();
  explanation.rule = std::string(decision.rule);
  if (decision.allowed()) {
    explanation.because = absl::StrCat("rule ", decision.rule, " covers all of the request");
    return explanation;
  }
  std::vector<std::pair<DenialCause, std::size_t>> misses;
  for (const std::size_t place : policy.RulesOf(caller)) {
    misses.emplace_back(policy.Mismatch(place, request), place);
  }
  if (misses.empty()) {
    explanation.because =
        "no rule names this caller, by its id, a prefix of it, a group or \"*\"; what no rule "
        "allows "
        "is denied";
    return explanation;
  }
  std::stable_sort(misses.begin(), misses.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  explanation.because =
      absl::StrCat(misses.size(), misses.size() == 1 ? " rule names" : " rules name",
                   " this caller, and none covers all of the request");
  if (misses.size() > kMaxNearMisses) misses.resize(kMaxNearMisses);
  for (const auto& [cause, place] : misses) {
    explanation.near_misses.push_back(
        absl::StrCat("rule ", policy.spec().rules[place].name, " ", Lacks(cause)));
  }
  return explanation;
}

}  // namespace tokensvc
