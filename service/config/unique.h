// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_UNIQUE_H_
#define TOKENSVC_SERVICE_CONFIG_UNIQUE_H_

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "service/config/validate.h"

namespace tokensvc {

/// Finds values that must differ. The first use of a value stands, each further one is an error.
class Unique {
 public:
  Unique(absl::string_view what, ConfigReporter* reporter) : what_(what), reporter_(reporter) {}

  void Add(const std::string& value, const std::string& path) {
    if (value.empty()) return;
    const auto [first, inserted] = first_use_.emplace(value, path);
    if (inserted) return;
    reporter_->Report(path,
                      absl::StrCat("must be unique: ", first->second, " has the same ", what_));
  }

 private:
  absl::string_view what_;
  ConfigReporter* reporter_;
  std::map<std::string, std::string> first_use_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_UNIQUE_H_
