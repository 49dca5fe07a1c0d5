// SPDX-License-Identifier: Apache-2.0
#include "service/config/load_config.h"

#include <string>
#include <utility>

#include "service/config/file_checks.h"
#include "service/config/policy_config.h"
#include "service/config/proto_walker.h"
#include "service/config/read_file.h"
#include "service/config/validate.h"
#include "service/config/yaml_tree.h"

namespace tokensvc {
namespace {

enum class References { kUnchecked, kChecked };

ConfigResult Read(absl::string_view text, absl::string_view base_directory, References references,
                  std::optional<ConfigWatcher>* policy_file) {
  const Expected<YamlNode, ConfigError> root = ParseYaml(text);
  if (!root.ok()) return std::vector<ConfigError>{root.error()};
  config::v1::ServiceConfig config;
  ConfigLocations locations;
  ConfigErrorCollector errors;
  FillConfig(*root, base_directory, &config, &locations, &errors);
  ConfigReporter reporter(locations, &errors);
  // Of what is no map, that is all there is to say.
  const bool is_map = root->kind == YamlNode::Kind::kMap && root->problem.empty();
  if (is_map) ValidateConfig(&config, &reporter);
  if (references == References::kChecked) {
    CheckFiles(config, locations, &errors);
    if (policy_file != nullptr) {
      policy_file->reset();
      if (!config.policy_file().empty()) policy_file->emplace(config.policy_file());
    }
    if (!config.policy_file().empty() && !reporter.Broken("policy_file")) {
      LoadPolicyFile(&config, &reporter);
    }
  }
  if (!errors.empty()) return errors.Take();
  return config;
}

std::string DirectoryOf(absl::string_view file_path) {
  const std::size_t slash = file_path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return std::string(file_path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace

ConfigResult ParseConfig(absl::string_view text) {
  return Read(text, "", References::kUnchecked, nullptr);
}

ConfigResult LoadConfig(absl::string_view file_path, std::optional<ConfigWatcher>* policy_file) {
  const absl::StatusOr<Secret> text =
      ReadRegularFile(std::string(file_path), kConfigLimits.bytes, FileAccess::kPublic);
  if (!text.ok()) {
    return std::vector<ConfigError>{{"", 0, 0, std::string(text.status().message())}};
  }
  return Read(text->Reveal(), DirectoryOf(file_path), References::kChecked, policy_file);
}

}  // namespace tokensvc
