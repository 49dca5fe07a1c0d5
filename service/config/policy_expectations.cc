// SPDX-License-Identifier: Apache-2.0
#include "service/config/policy_expectations.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "service/access/caller_pattern.h"
#include "service/access/compiled_policy.h"
#include "service/access/explain_access.h"
#include "service/access/grant_names.h"
#include "service/authority/tenant.h"
#include "service/config/policy_config.h"
#include "service/config/proto_walker.h"
#include "service/config/read_file.h"
#include "service/config/validate.h"
#include "service/config/yaml_tree.h"

namespace tokensvc {
namespace {

using config::v1::PolicyExpectation;

void Validate(config::v1::PolicyExpectations* table, ConfigReporter* reporter) {
  for (int i = 0; i < table->expectations_size(); ++i) {
    PolicyExpectation& each = *table->mutable_expectations(i);
    const std::string path = absl::StrCat("expectations[", i, "]");
    if (!each.caller().empty() &&
        (absl::StrContains(each.caller(), '*') || !CallerPatternMistake(each.caller()).empty())) {
      reporter->Report(path + ".caller",
                       "must be one caller's id, without *, that begins with spiffe://, uri:, "
                       "dns:, jwt: or local:");
    }
    if (!each.grant().empty() && !IsGrantName(each.grant())) {
      reporter->Report(path + ".grant", absl::StrCat("must be one of ", GrantNames()));
    }
    if (!each.tenant().empty()) {
      Result<std::string> tenant = CanonicalTenant(each.tenant());
      if (tenant.ok()) {
        each.set_tenant(*std::move(tenant));
      } else {
        reporter->Report(path + ".tenant", "must be a GUID or a verified domain");
      }
    }
    for (int k = 0; k < each.scopes_size(); ++k) {
      if (each.scopes(k).empty() || absl::StrContains(each.scopes(k), ' ')) {
        reporter->Report(absl::StrCat(path, ".scopes[", k, "]"),
                         "must be one scope, without spaces");
      }
    }
  }
}

/// Asks one policy and the registrations beside it.
class Asker {
 public:
  Asker(const config::v1::ServiceConfig& config, const CompiledPolicy& policy) : policy_(policy) {
    for (const config::v1::Authority& authority : config.authorities()) {
      authorities_[authority.name()] = &authority;
    }
    for (const config::v1::Registration& registration : config.registrations()) {
      registrations_[registration.name()] = &registration;
    }
  }

  AccessExplanation Ask(const PolicyExpectation& expected) const {
    const auto found = registrations_.find(expected.registration());
    if (found == registrations_.end()) return Denied("there is no such registration");
    const config::v1::Registration& registration = *found->second;

    std::string tenant = expected.tenant();
    if (tenant.empty()) tenant = registration.default_tenant();
    if (registration.tenants().empty() != tenant.empty()) {
      return Denied(tenant.empty()
                        ? "the request names no tenant, and the registration has no default_tenant"
                        : "the registration's authority has no tenants, and the request names one");
    }
    const bool listed =
        std::any_of(registration.tenants().begin(), registration.tenants().end(),
                    [&](const std::string& each) { return each == "*" || each == tenant; });
    if (!tenant.empty() && !listed) {
      return Denied("the tenant is not on the registration's list, whatever the policy says");
    }
    const bool claims = registration.client_claims() == config::v1::CLIENT_CLAIMS_ALLOWED;
    if (expected.client_claims() && !claims) {
      return Denied("the registration refuses client claims, whatever the policy says");
    }

    AccessRequest request;
    std::string scopes = absl::StrJoin(expected.scopes(), " ");
    request.scopes_have_case = ScopesHaveCase(registration.authority());
    if (!request.scopes_have_case) absl::AsciiStrToLower(&scopes);
    request.registration = expected.registration();
    request.tenant = tenant;
    request.grant = expected.grant();
    request.scopes = scopes;
    request.forced = expected.force_refresh();
    request.client_claims = expected.client_claims();
    return ExplainAccess(policy_, Caller{expected.caller()}, request);
  }

 private:
  static AccessExplanation Denied(std::string because) {
    AccessExplanation explanation;
    explanation.because = std::move(because);
    return explanation;
  }

  /// As the profiles of service/authority have it.
  bool ScopesHaveCase(const std::string& authority) const {
    const auto found = authorities_.find(authority);
    return found != authorities_.end() && (found->second->has_oidc() || found->second->has_adfs());
  }

  const CompiledPolicy& policy_;
  absl::flat_hash_map<absl::string_view, const config::v1::Authority*> authorities_;
  absl::flat_hash_map<absl::string_view, const config::v1::Registration*> registrations_;
};

/// The request in one line.
std::string Describe(const PolicyExpectation& each) {
  return absl::StrCat(each.caller(), " ", each.registration(), each.tenant().empty() ? "" : " ",
                      each.tenant(), " ", each.grant(), " ", absl::StrJoin(each.scopes(), " "),
                      each.force_refresh() ? " force_refresh" : "",
                      each.client_claims() ? " client_claims" : "");
}

}  // namespace

PolicyExpectationsResult ParsePolicyExpectations(absl::string_view text) {
  const Expected<YamlNode, ConfigError> root = ParseYaml(text, kPolicyLimits);
  if (!root.ok()) return std::vector<ConfigError>{root.error()};
  config::v1::PolicyExpectations table;
  ConfigLocations locations;
  ConfigErrorCollector errors;
  FillConfig(*root, "", &table, &locations, &errors);
  ConfigReporter reporter(locations, &errors);
  Validate(&table, &reporter);
  if (!errors.empty()) return errors.Take();
  return table;
}

PolicyExpectationsResult LoadPolicyExpectations(const std::string& file_path) {
  const absl::StatusOr<Secret> text =
      ReadRegularFile(file_path, kPolicyLimits.bytes, FileAccess::kPublic);
  if (!text.ok()) {
    return std::vector<ConfigError>{{"", 0, 0, std::string(text.status().message())}};
  }
  return ParsePolicyExpectations(text->Reveal());
}

PolicyTestReport TestPolicy(const config::v1::ServiceConfig& config,
                            const config::v1::PolicyExpectations& expectations) {
  PolicyTestReport report;
  const auto policy =
      CompiledPolicy::Compile(PolicySpecOf(config.policy()), KnownRegistrationsOf(config));
  if (!policy.ok()) {
    report.text = "the policy has mistakes\n";
    report.wrong = static_cast<std::size_t>(expectations.expectations_size());
    return report;
  }
  const Asker asker(config, **policy);
  for (int i = 0; i < expectations.expectations_size(); ++i) {
    const PolicyExpectation& each = expectations.expectations(i);
    const AccessExplanation answer = asker.Ask(each);
    const bool right = answer.allowed == (each.expect() == config::v1::EXPECTATION_ALLOW);
    absl::StrAppend(&report.text, right ? "ok     " : "WRONG  ", "expectations[", i, "]  ",
                    answer.allowed ? "allowed" : "denied ", "  ", Describe(each), "\n");
    if (right) continue;
    ++report.wrong;
    absl::StrAppend(&report.text, "         expected to be ", answer.allowed ? "denied" : "allowed",
                    ", but ", answer.because, "\n");
    for (const std::string& miss : answer.near_misses) {
      absl::StrAppend(&report.text, "         - ", miss, "\n");
    }
  }
  absl::StrAppend(&report.text, expectations.expectations_size(), " asked, ", report.wrong,
                  " wrong\n");
  return report;
}

}  // namespace tokensvc
