// SPDX-License-Identifier: Apache-2.0
#include "service/config/policy_config.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "service/config/proto_walker.h"
#include "service/config/read_file.h"
#include "service/config/yaml_tree.h"

namespace tokensvc {
namespace {

template <class Repeated>
std::vector<std::string> Texts(const Repeated& repeated) {
  return {repeated.begin(), repeated.end()};
}

}  // namespace

KnownRegistrations KnownRegistrationsOf(const config::v1::ServiceConfig& config) {
  KnownRegistrations known;
  for (const config::v1::Registration& registration : config.registrations()) {
    known[registration.name()] = registration.tenants_size() > 0;
  }
  return known;
}

PolicySpec PolicySpecOf(const config::v1::Policy& policy) {
  PolicySpec spec;
  for (const config::v1::CallerGroup& group : policy.groups()) {
    spec.groups.push_back({group.name(), Texts(group.callers())});
  }
  for (const config::v1::PolicyRule& written : policy.rules()) {
    PolicyRule rule;
    rule.name = written.name();
    rule.callers = Texts(written.callers());
    rule.registrations = Texts(written.registrations());
    rule.tenants = Texts(written.tenants());
    for (std::string& tenant : rule.tenants) absl::AsciiStrToLower(&tenant);
    rule.grants = Texts(written.grants());
    rule.scopes = Texts(written.scopes());
    rule.force_refresh = written.force_refresh() == config::v1::PERMISSION_ALLOWED;
    rule.client_claims = written.client_claims() == config::v1::PERMISSION_ALLOWED;
    spec.rules.push_back(std::move(rule));
  }
  spec.administrators = Texts(policy.administrators());
  spec.observers = Texts(policy.observers());
  for (const config::v1::CallerQuota& written : policy.quotas()) {
    spec.quotas.push_back(
        {Texts(written.callers()),
         {written.calls_per_second(), written.burst(), written.concurrent_calls()}});
  }
  return spec;
}

void ValidatePolicy(const config::v1::ServiceConfig& config, const std::string& path,
                    ConfigReporter* reporter) {
  // Where a registration's name is broken, who names it can't be told from who names none.
  if (reporter->Broken("registrations")) return;
  for (const PolicyError& error :
       CheckPolicy(PolicySpecOf(config.policy()), KnownRegistrationsOf(config))) {
    reporter->Report(path.empty() ? error.path : absl::StrCat(path, ".", error.path),
                     error.message);
  }
}

void LoadPolicyFile(config::v1::ServiceConfig* config, ConfigReporter* reporter) {
  const auto report = [reporter](const std::vector<ConfigError>& errors) {
    std::string all;
    for (const ConfigError& error : errors) {
      absl::StrAppend(&all, all.empty() ? "" : "\n    ", "line ", error.line, ", column ",
                      error.column, ": ", error.path, error.path.empty() ? "" : ": ",
                      error.message);
    }
    reporter->Report("policy_file", "has mistakes:\n    " + all);
  };
  const absl::StatusOr<Secret> text =
      ReadRegularFile(config->policy_file(), kPolicyLimits.bytes, FileAccess::kPublic);
  if (!text.ok()) {
    reporter->Report("policy_file", std::string(text.status().message()));
    return;
  }
  const Expected<YamlNode, ConfigError> root = ParseYaml(text->Reveal(), kPolicyLimits);
  if (!root.ok()) return report({root.error()});
  ConfigLocations locations;
  ConfigErrorCollector errors;
  FillConfig(*root, "", config->mutable_policy(), &locations, &errors);
  ConfigReporter of_file(locations, &errors);
  ValidatePolicy(*config, "", &of_file);
  if (!errors.empty()) report(errors.Take());
}

}  // namespace tokensvc
