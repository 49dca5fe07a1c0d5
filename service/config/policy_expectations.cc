// SPDX-License-Identifier: Apache-2.0
#include "service/config/policy_expectations.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "service/access/compiled_policy.h"
#include "service/access/explain_access.h"
#include "service/config/policy_config.h"
#include "service/config/policy_question.h"
#include "service/config/proto_walker.h"
#include "service/config/read_file.h"
#include "service/config/validate.h"
#include "service/config/yaml_tree.h"

namespace tokensvc {
namespace {

using config::v1::PolicyExpectation;

void Validate(config::v1::PolicyExpectations* table, ConfigReporter* reporter) {
  for (int i = 0; i < table->expectations_size(); ++i) {
    for (const QuestionMistake& mistake : CheckQuestion(table->mutable_expectations(i))) {
      reporter->Report(absl::StrCat("expectations[", i, "].", mistake.field), mistake.message);
    }
  }
}

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
  return TestPolicy(config, **policy, expectations);
}

PolicyTestReport TestPolicy(const config::v1::ServiceConfig& config, const CompiledPolicy& policy,
                            const config::v1::PolicyExpectations& expectations) {
  PolicyTestReport report;
  const PolicyQuestions questions(config, policy);
  for (int i = 0; i < expectations.expectations_size(); ++i) {
    const PolicyExpectation& each = expectations.expectations(i);
    const AccessExplanation answer = questions.Ask(each);
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
