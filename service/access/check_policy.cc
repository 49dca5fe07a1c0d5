// SPDX-License-Identifier: Apache-2.0
#include "service/access/check_policy.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "service/access/caller_pattern.h"
#include "service/access/grant_names.h"
#include "service/authority/tenant.h"

namespace tokensvc {
namespace {

class Checker {
 public:
  Checker(const PolicySpec& spec, const KnownRegistrations& registrations)
      : spec_(spec), registrations_(registrations) {}

  std::vector<PolicyError> Run() {
    CheckGroups();
    if (spec_.rules.size() > kMaxPolicyRules) {
      Report("rules", absl::StrCat("has more than ", kMaxPolicyRules, " entries"));
      return std::move(mistakes_);
    }
    absl::flat_hash_set<absl::string_view> names;
    for (std::size_t i = 0; i < spec_.rules.size(); ++i) {
      const PolicyRule& rule = spec_.rules[i];
      const std::string path = absl::StrCat("rules[", i, "]");
      if (!names.insert(rule.name).second) {
        Report(path + ".name", "must be unique among the rules: audit records name it");
      }
      CheckRule(rule, path);
    }
    CheckCallers(spec_.administrators, "administrators");
    CheckCallers(spec_.observers, "observers");
    CheckQuotas();
    if (entries_ > kMaxPolicyEntries) {
      Report("rules", absl::StrCat("names more than ", kMaxPolicyEntries,
                                   " pairs of caller and registration; use prefixes or \"*\""));
    }
    return std::move(mistakes_);
  }

 private:
  void Report(std::string path, std::string message) {
    mistakes_.push_back({std::move(path), std::move(message)});
  }

  void CheckGroups() {
    for (std::size_t i = 0; i < spec_.groups.size(); ++i) {
      const CallerGroup& group = spec_.groups[i];
      const std::string path = absl::StrCat("groups[", i, "]");
      if (!groups_.emplace(group.name, group.callers.size()).second) {
        Report(path + ".name", "must be unique among the groups");
      }
      for (std::size_t k = 0; k < group.callers.size(); ++k) {
        const std::string mistake = CallerPatternMistake(group.callers[k]);
        if (!mistake.empty()) Report(absl::StrCat(path, ".callers[", k, "]"), mistake);
      }
    }
  }

  /// Returns how many there are, those of groups included.
  std::size_t CheckCallers(const std::vector<std::string>& names, const std::string& path) {
    std::size_t callers = 0;
    CheckStarAlone(names, path);
    for (std::size_t k = 0; k < names.size(); ++k) {
      absl::string_view name = names[k];
      if (absl::ConsumePrefix(&name, "group:")) {
        const auto found = groups_.find(name);
        if (found == groups_.end()) {
          Report(absl::StrCat(path, "[", k, "]"), "names no group of this policy");
        } else {
          callers += found->second;
        }
        continue;
      }
      const std::string mistake = CallerPatternMistake(name);
      if (!mistake.empty()) Report(absl::StrCat(path, "[", k, "]"), mistake);
      ++callers;
    }
    return callers;
  }

  void CheckStarAlone(const std::vector<std::string>& names, const std::string& path) {
    if (names.size() > 1 && std::find(names.begin(), names.end(), "*") != names.end()) {
      Report(path, "says \"*\" and something else; \"*\" stands alone, or not at all");
    }
  }

  void CheckRule(const PolicyRule& rule, const std::string& path) {
    entries_ += CheckCallers(rule.callers, path + ".callers") * rule.registrations.size();
    CheckStarAlone(rule.registrations, path + ".registrations");
    CheckStarAlone(rule.tenants, path + ".tenants");
    CheckStarAlone(rule.grants, path + ".grants");
    CheckStarAlone(rule.scopes, path + ".scopes");
    bool for_tenants = false;
    for (std::size_t k = 0; k < rule.registrations.size(); ++k) {
      const std::string& name = rule.registrations[k];
      const auto known = registrations_.find(name);
      if (name != "*" && known == registrations_.end()) {
        Report(absl::StrCat(path, ".registrations[", k, "]"), "names no registration");
      }
      for_tenants = for_tenants || (known != registrations_.end() && known->second);
    }
    if (for_tenants && rule.tenants.empty()) {
      Report(path + ".tenants",
             "is missing, and a registration of this rule has tenants: write them, or [\"*\"] for "
             "all on the registration's list");
    }
    for (std::size_t k = 0; k < rule.tenants.size(); ++k) {
      const std::string& tenant = rule.tenants[k];
      const Result<std::string> canonical = CanonicalTenant(tenant);
      if (tenant != "*" && (!canonical.ok() || *canonical != tenant)) {
        Report(absl::StrCat(path, ".tenants[", k, "]"),
               "must be a GUID or a verified domain, or \"*\"");
      }
    }
    for (std::size_t k = 0; k < rule.grants.size(); ++k) {
      if (rule.grants[k] != "*" && !IsGrantName(rule.grants[k])) {
        Report(absl::StrCat(path, ".grants[", k, "]"),
               absl::StrCat("must be \"*\" or one of ", GrantNames()));
      }
    }
    for (std::size_t k = 0; k < rule.scopes.size(); ++k) {
      const std::string& scope = rule.scopes[k];
      const std::size_t star = scope.find('*');
      if (scope.empty() || absl::StrContains(scope, ' ') ||
          (star != std::string::npos && star + 1 != scope.size())) {
        Report(absl::StrCat(path, ".scopes[", k, "]"),
               "must be one scope without spaces, with a * at its end at most");
      }
    }
  }

  void CheckQuotas() {
    bool for_everybody = false;
    for (std::size_t i = 0; i < spec_.quotas.size(); ++i) {
      const auto& [callers, quota] = spec_.quotas[i];
      const std::string path = absl::StrCat("quotas[", i, "]");
      CheckCallers(callers, path + ".callers");
      if (for_everybody) {
        Report(path, "is never used: an earlier quota is for all callers, and the first one holds");
      }
      for_everybody = for_everybody || (callers.size() == 1 && callers[0] == "*");
      if (quota.calls_per_second == 0 && quota.burst == 0 && quota.concurrent_calls == 0) {
        Report(path, "limits nothing: write calls_per_second, burst or concurrent_calls");
      }
    }
  }

  const PolicySpec& spec_;
  const KnownRegistrations& registrations_;
  absl::flat_hash_map<absl::string_view, std::size_t> groups_;
  std::size_t entries_ = 0;
  std::vector<PolicyError> mistakes_;
};

}  // namespace

std::vector<PolicyError> CheckPolicy(const PolicySpec& spec,
                                     const KnownRegistrations& registrations) {
  return Checker(spec, registrations).Run();
}

}  // namespace tokensvc
