// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.h"

#include <fstream>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace tokensvc::bench {

void Report::Add(std::string what, Median measured) {
  rows_.push_back({std::move(what), measured, "", true});
}

void Report::AddAtMost(std::string what, Median measured, double bound) {
  rows_.push_back({std::move(what), measured, absl::StrCat("<= ", bound), measured.value <= bound});
}

void Report::AddAtLeast(std::string what, Median measured, double bound) {
  rows_.push_back({std::move(what), measured, absl::StrCat(">= ", bound), measured.value >= bound});
}

void Report::Print() const {
  std::cout << absl::StrFormat("%-66s %10s  %-21s %-8s %s\n", "what", "median", "95 % interval",
                               "bound", "");
  for (const Row& row : rows_) {
    std::cout << absl::StrFormat("%-66s %10.3f  %9.3f – %-9.3f %-8s %s\n", row.what,
                                 row.measured.value, row.measured.low, row.measured.high, row.bound,
                                 row.bound.empty() ? ""
                                 : row.reached     ? "reached"
                                                   : "MISSED");
  }
}

void Report::WriteJson(const std::string& path) const {
  nlohmann::json out = nlohmann::json::array();
  for (const Row& row : rows_) {
    nlohmann::json entry = {{"what", row.what},
                            {"median", row.measured.value},
                            {"low", row.measured.low},
                            {"high", row.measured.high}};
    if (!row.bound.empty()) {
      entry["bound"] = row.bound;
      entry["reached"] = row.reached;
    }
    out.push_back(std::move(entry));
  }
  std::ofstream(path) << out.dump(2) << "\n";
}

}  // namespace tokensvc::bench
