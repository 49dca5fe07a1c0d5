// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_COMPILED_POLICY_H_
#define TOKENSVC_SERVICE_ACCESS_COMPILED_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/expected.h"
#include "service/access/check_policy.h"
#include "service/access/policy.h"
#include "service/access/policy_spec.h"
#include "service/access/policy_version.h"

namespace tokensvc {

/// A policy made ready to be asked: default deny, and a request is allowed where one rule covers
/// all of it. Immutable; a reload makes another one and swaps it whole. A decision costs a few
/// look-ups for each separator of the caller's id, whatever the number of rules, and then a look at
/// the rules of that caller and registration.
class CompiledPolicy final : public Policy {
 public:
  /// Fails with every mistake there is.
  static Expected<std::shared_ptr<const CompiledPolicy>, std::vector<PolicyError>> Compile(
      PolicySpec spec, const KnownRegistrations& registrations);

  PolicyDecision Decide(const Caller& caller, const AccessRequest& request) const override;
  bool MayUse(const Caller& caller, absl::string_view registration) const override;
  AdminRole RoleOf(const Caller& caller) const override;
  /// The quota that is written for `caller`; null: none. Valid as long as the policy.
  const CallerQuota* QuotaOf(const Caller& caller) const;
  /// The place of this policy among those that this process has made, from 1 on.
  std::uint64_t serial() const { return serial_; }

  /// As written.
  const PolicySpec& spec() const { return spec_; }
  /// Names what it says (`PolicyVersion`).
  const std::string& version() const { return version_; }
  /// The rules that name `caller`, by their places in `spec().rules`, in order.
  std::vector<std::size_t> RulesOf(const Caller& caller) const;
  /// What of `request` the rule at `index` does not cover, its callers aside.
  DenialCause Mismatch(std::size_t index, const AccessRequest& request) const;

 private:
  /// One of a rule's lists of names, some of which may end in `*`.
  struct Names {
    bool any = false;
    absl::flat_hash_set<std::string> whole;
    std::vector<std::string> prefixes;  ///< Without the `*`.

    bool Match(absl::string_view name) const;
  };
  struct Rule {
    Names tenants;
    Names grants;
    Names scopes;
    Names scopes_in_lower_case;
  };
  using RuleList = absl::InlinedVector<std::uint32_t, 4>;
  /// The rules of one pattern of callers, by registration.
  struct OfCallers {
    absl::flat_hash_map<std::string, RuleList> by_registration;
    RuleList of_any_registration;
  };

  explicit CompiledPolicy(PolicySpec spec);
  static Names MakeNames(const std::vector<std::string>& written, bool lower_case);
  std::vector<std::string> Expanded(const std::vector<std::string>& callers) const;
  void Index(std::uint32_t rule);
  DenialCause MismatchOfRule(const Rule& rule, const PolicyRule& written,
                             const AccessRequest& request) const;
  const OfCallers* Find(absl::string_view pattern) const;

  const std::uint64_t serial_;
  const PolicySpec spec_;
  const std::string version_;
  absl::flat_hash_map<absl::string_view, const CallerGroup*> groups_;
  std::vector<Rule> rules_;
  absl::flat_hash_map<std::string, OfCallers> callers_;
  absl::flat_hash_map<std::string, AdminRole> roles_;
  absl::flat_hash_map<std::string, std::size_t> quotas_;  ///< Places in the specification.
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_COMPILED_POLICY_H_
