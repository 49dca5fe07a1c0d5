// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_REPORT_H_
#define TOKENSVC_TESTS_BENCH_REPORT_H_

#include <string>
#include <vector>

#include "tests/bench/statistics.h"

namespace tokensvc::bench {

/// The figures, in the order in which they were measured: a table for people, JSON for machines.
class Report {
 public:
  /// What is said for itself, without a bound.
  void Add(std::string what, Median measured);
  /// Reached where the median is `bound` at the most, or at the least.
  void AddAtMost(std::string what, Median measured, double bound);
  void AddAtLeast(std::string what, Median measured, double bound);

  void Print() const;
  void WriteJson(const std::string& path) const;

 private:
  struct Row {
    std::string what;
    Median measured;
    std::string bound;  ///< Empty: none.
    bool reached;
  };
  std::vector<Row> rows_;
};

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_REPORT_H_
