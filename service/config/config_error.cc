// SPDX-License-Identifier: Apache-2.0
#include "service/config/config_error.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tokensvc {

std::string FormatConfigErrors(absl::string_view file, const std::vector<ConfigError>& errors) {
  std::string text;
  for (const ConfigError& error : errors) {
    absl::StrAppend(&text, file);
    if (error.line > 0) absl::StrAppend(&text, ":", error.line, ":", error.column);
    absl::StrAppend(&text, ": ", error.path, error.path.empty() ? "" : ": ", error.message, "\n");
  }
  return text;
}

ConfigPosition ConfigLocations::Find(std::string path) const {
  for (;;) {
    const auto found = positions_.find(path);
    if (found != positions_.end()) return found->second;
    if (path.empty()) return {};
    const std::size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
}

void ConfigErrorCollector::Add(const std::string& path, ConfigPosition position,
                               std::string message) {
  paths_.insert(path);
  if (errors_.size() >= kMaxErrors) {
    overflowed_ = true;
    return;
  }
  errors_.push_back({path, position.line, position.column, std::move(message)});
}

bool ConfigErrorCollector::Covers(const std::string& path) const {
  if (paths_.contains(path)) return true;
  for (const char separator : {'.', '['}) {
    const std::string prefix = path + separator;
    const auto next = paths_.lower_bound(prefix);
    if (next != paths_.end() && absl::StartsWith(*next, prefix)) return true;
  }
  return false;
}

std::vector<ConfigError> ConfigErrorCollector::Take() {
  std::stable_sort(errors_.begin(), errors_.end(), [](const ConfigError& a, const ConfigError& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  if (overflowed_) {
    errors_.push_back({"", 0, 0,
                       absl::StrCat("there are more than ", kMaxErrors,
                                    " errors; the "
                                    "others are not shown")});
  }
  overflowed_ = false;
  paths_.clear();
  return std::exchange(errors_, {});
}

}  // namespace tokensvc
