// SPDX-License-Identifier: Apache-2.0
#include "service/access/compiled_policy.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "service/access/caller_pattern.h"

namespace tokensvc {
namespace {

std::uint64_t NextSerial() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1) + 1;
}

}  // namespace

absl::string_view DenialCauseName(DenialCause cause) {
  switch (cause) {
    case DenialCause::kNone:
      return "";
    case DenialCause::kCaller:
      return "caller";
    case DenialCause::kRegistration:
      return "registration";
    case DenialCause::kTenant:
      return "tenant";
    case DenialCause::kGrant:
      return "grant";
    case DenialCause::kScope:
      return "scope";
    case DenialCause::kForcedRefresh:
      return "force_refresh";
    case DenialCause::kClientClaims:
      return "client_claims";
  }
  return "";
}

bool CompiledPolicy::Names::Match(absl::string_view name) const {
  if (any || whole.contains(name)) return true;
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [name](const std::string& prefix) { return absl::StartsWith(name, prefix); });
}

CompiledPolicy::Names CompiledPolicy::MakeNames(const std::vector<std::string>& written,
                                                bool lower_case) {
  Names names;
  for (const std::string& each : written) {
    absl::string_view name = each;
    if (name == "*") {
      names.any = true;
    } else if (absl::ConsumeSuffix(&name, "*")) {
      names.prefixes.push_back(lower_case ? absl::AsciiStrToLower(name) : std::string(name));
    } else {
      names.whole.insert(lower_case ? absl::AsciiStrToLower(name) : std::string(name));
    }
  }
  return names;
}

CompiledPolicy::CompiledPolicy(PolicySpec spec)
    : serial_(NextSerial()), spec_(std::move(spec)), version_(PolicyVersion(spec_)) {
  for (const CallerGroup& group : spec_.groups) groups_[group.name] = &group;
}

Expected<std::shared_ptr<const CompiledPolicy>, std::vector<PolicyError>> CompiledPolicy::Compile(
    PolicySpec spec, const KnownRegistrations& registrations) {
  std::vector<PolicyError> mistakes = CheckPolicy(spec, registrations);
  if (!mistakes.empty()) return mistakes;

  std::shared_ptr<CompiledPolicy> policy(new CompiledPolicy(std::move(spec)));
  for (const PolicyRule& written : policy->spec_.rules) {
    policy->rules_.push_back({MakeNames(written.tenants, false), MakeNames(written.grants, false),
                              MakeNames(written.scopes, false), MakeNames(written.scopes, true)});
    policy->Index(static_cast<std::uint32_t>(policy->rules_.size() - 1));
  }
  // Administrators last: who is both is one.
  for (const std::string& each : policy->Expanded(policy->spec_.observers)) {
    policy->roles_[each] = AdminRole::kObserver;
  }
  for (const std::string& each : policy->Expanded(policy->spec_.administrators)) {
    policy->roles_[each] = AdminRole::kAdministrator;
  }
  for (std::size_t i = 0; i < policy->spec_.quotas.size(); ++i) {
    for (const std::string& each : policy->Expanded(policy->spec_.quotas[i].callers)) {
      policy->quotas_.try_emplace(each, i);
    }
  }
  return std::shared_ptr<const CompiledPolicy>(std::move(policy));
}

std::vector<std::string> CompiledPolicy::Expanded(const std::vector<std::string>& callers) const {
  std::vector<std::string> expanded;
  for (const std::string& caller : callers) {
    absl::string_view name = caller;
    if (!absl::ConsumePrefix(&name, "group:")) {
      expanded.push_back(caller);
      continue;
    }
    const std::vector<std::string>& members = groups_.at(name)->callers;
    expanded.insert(expanded.end(), members.begin(), members.end());
  }
  return expanded;
}

void CompiledPolicy::Index(std::uint32_t rule) {
  const auto add = [rule](RuleList& list) {
    // A caller may be named twice, by a group and by itself.
    if (list.empty() || list.back() != rule) list.push_back(rule);
  };
  for (const std::string& caller : Expanded(spec_.rules[rule].callers)) {
    OfCallers& of_callers = callers_[caller];
    for (const std::string& registration : spec_.rules[rule].registrations) {
      add(registration == "*" ? of_callers.of_any_registration
                              : of_callers.by_registration[registration]);
    }
  }
}

const CompiledPolicy::OfCallers* CompiledPolicy::Find(absl::string_view pattern) const {
  const auto found = callers_.find(pattern);
  return found == callers_.end() ? nullptr : &found->second;
}

DenialCause CompiledPolicy::MismatchOfRule(const Rule& rule, const PolicyRule& written,
                                           const AccessRequest& request) const {
  // Where the authority has no tenants, there is nothing to compare.
  if (!request.tenant.empty() && !rule.tenants.Match(request.tenant)) return DenialCause::kTenant;
  if (!rule.grants.Match(request.grant)) return DenialCause::kGrant;
  const Names& scopes = request.scopes_have_case ? rule.scopes : rule.scopes_in_lower_case;
  if (!scopes.any) {
    // Scopes of an API that they do not name are no limit: only who may have all may choose it.
    if (request.names_api) return DenialCause::kScope;
    for (const absl::string_view scope : absl::StrSplit(request.scopes, ' ', absl::SkipEmpty())) {
      if (!scopes.Match(scope)) return DenialCause::kScope;
    }
  }
  if (request.forced && !written.force_refresh) return DenialCause::kForcedRefresh;
  if (request.client_claims && !written.client_claims) return DenialCause::kClientClaims;
  return DenialCause::kNone;
}

PolicyDecision CompiledPolicy::Decide(const Caller& caller, const AccessRequest& request) const {
  PolicyDecision decision;
  if (caller.id.size() > kMaxCallerId) return decision;
  const auto consider = [&](const RuleList& list) {
    for (const std::uint32_t place : list) {
      if (decision.allowed()) return;
      const DenialCause cause = MismatchOfRule(rules_[place], spec_.rules[place], request);
      if (cause == DenialCause::kNone) {
        decision = {cause, spec_.rules[place].name};
      } else {
        decision.cause = std::max(decision.cause, cause);
      }
    }
  };
  ForEachPatternOf(caller.id, [&](absl::string_view pattern) {
    if (decision.allowed()) return;
    const OfCallers* of_callers = Find(pattern);
    if (of_callers == nullptr) return;
    decision.cause = std::max(decision.cause, DenialCause::kRegistration);
    const auto found = of_callers->by_registration.find(request.registration);
    if (found != of_callers->by_registration.end()) consider(found->second);
    consider(of_callers->of_any_registration);
  });
  return decision;
}

bool CompiledPolicy::MayUse(const Caller& caller, absl::string_view registration) const {
  bool may = false;
  if (caller.id.size() > kMaxCallerId) return may;
  ForEachPatternOf(caller.id, [&](absl::string_view pattern) {
    if (may) return;
    const OfCallers* of_callers = Find(pattern);
    may = of_callers != nullptr && (!of_callers->of_any_registration.empty() ||
                                    of_callers->by_registration.contains(registration));
  });
  return may;
}

AdminRole CompiledPolicy::RoleOf(const Caller& caller) const {
  AdminRole role = AdminRole::kNone;
  if (caller.id.size() > kMaxCallerId) return role;
  ForEachPatternOf(caller.id, [&](absl::string_view pattern) {
    const auto found = roles_.find(pattern);
    if (found != roles_.end()) role = std::max(role, found->second);
  });
  return role;
}

const CallerQuota* CompiledPolicy::QuotaOf(const Caller& caller) const {
  std::size_t first = spec_.quotas.size();
  if (quotas_.empty() || caller.id.size() > kMaxCallerId) return nullptr;
  ForEachPatternOf(caller.id, [&](absl::string_view pattern) {
    const auto found = quotas_.find(pattern);
    if (found != quotas_.end()) first = std::min(first, found->second);
  });
  return first == spec_.quotas.size() ? nullptr : &spec_.quotas[first].quota;
}

std::vector<std::size_t> CompiledPolicy::RulesOf(const Caller& caller) const {
  absl::flat_hash_set<std::size_t> places;
  ForEachPatternOf(caller.id, [&](absl::string_view pattern) {
    const OfCallers* of_callers = Find(pattern);
    if (of_callers == nullptr) return;
    places.insert(of_callers->of_any_registration.begin(), of_callers->of_any_registration.end());
    for (const auto& [registration, list] : of_callers->by_registration) {
      places.insert(list.begin(), list.end());
    }
  });
  std::vector<std::size_t> sorted(places.begin(), places.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

DenialCause CompiledPolicy::Mismatch(std::size_t index, const AccessRequest& request) const {
  const std::vector<std::string>& names = spec_.rules[index].registrations;
  const bool named = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name == "*" || name == request.registration;
  });
  if (!named) return DenialCause::kRegistration;
  return MismatchOfRule(rules_[index], spec_.rules[index], request);
}

}  // namespace tokensvc
