// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_POLICY_QUESTION_H_
#define TOKENSVC_SERVICE_CONFIG_POLICY_QUESTION_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "service/access/compiled_policy.h"
#include "service/access/explain_access.h"
#include "tokensvc/config/v1/config.pb.h"
#include "tokensvc/config/v1/policy.pb.h"

namespace tokensvc {

/// What is wrong with one question to a policy.
struct QuestionMistake {
  std::string field;    ///< `caller`, `scopes[1]`.
  std::string message;  ///< What to write; shows no value.
};

/// Checks what the schema cannot say of a question (what is expected of it aside), and brings its
/// tenant to lower case.
std::vector<QuestionMistake> CheckQuestion(config::v1::PolicyExpectation* question);

/// Asks one policy, and the registrations beside it.
class PolicyQuestions {
 public:
  /// Both must outlive it. `policy` must be that of `config`.
  PolicyQuestions(const config::v1::ServiceConfig& config, const CompiledPolicy& policy);

  /// Whether policy and registration (its tenants, its `client_claims`) would let this request
  /// through, and why. `question` passed `CheckQuestion`; what it expects does not matter. Asks no
  /// authority.
  AccessExplanation Ask(const config::v1::PolicyExpectation& question) const;

 private:
  bool ScopesHaveCase(const std::string& authority) const;

  const CompiledPolicy& policy_;
  absl::flat_hash_map<absl::string_view, const config::v1::Authority*> authorities_;
  absl::flat_hash_map<absl::string_view, const config::v1::Registration*> registrations_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_POLICY_QUESTION_H_
