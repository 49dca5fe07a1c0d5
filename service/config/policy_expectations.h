// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_POLICY_EXPECTATIONS_H_
#define TOKENSVC_SERVICE_CONFIG_POLICY_EXPECTATIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/expected.h"
#include "service/access/compiled_policy.h"
#include "service/config/config_error.h"
#include "tokensvc/config/v1/config.pb.h"
#include "tokensvc/config/v1/policy.pb.h"

namespace tokensvc {

using PolicyExpectationsResult = Expected<config::v1::PolicyExpectations, std::vector<ConfigError>>;

/// Reads an operator's table of expectations, YAML with the schema `PolicyExpectations`, from its
/// text. Fails with everything that is wrong, as `ParseConfig` does.
PolicyExpectationsResult ParsePolicyExpectations(absl::string_view text);

/// The same from a file, with blocking calls.
PolicyExpectationsResult LoadPolicyExpectations(const std::string& file_path);

/// What became of a table of expectations.
struct PolicyTestReport {
  /// One line for each expectation, and below the wrong ones why the policy answers otherwise, in
  /// plain words; last a line that counts them. Each ended by a newline.
  std::string text;
  std::size_t wrong = 0;

  /// 0 where all came true, else 1.
  int exit_status() const { return wrong == 0 ? 0 : 1; }
};

/// Asks the policy of `config`, which `LoadConfig` made, each of `expectations`, and whether the
/// registration lets it through too (its tenants, its `client_claims`). Asks no authority.
PolicyTestReport TestPolicy(const config::v1::ServiceConfig& config,
                            const config::v1::PolicyExpectations& expectations);
/// The same where the policy of `config` is compiled already.
PolicyTestReport TestPolicy(const config::v1::ServiceConfig& config, const CompiledPolicy& policy,
                            const config::v1::PolicyExpectations& expectations);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_POLICY_EXPECTATIONS_H_
