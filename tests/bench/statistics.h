// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_STATISTICS_H_
#define TOKENSVC_TESTS_BENCH_STATISTICS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace tokensvc::bench {

/// A median with its 95 % interval by order statistics (binomial), which assumes nothing of the
/// distribution.
struct Median {
  double value = 0;
  double low = 0;
  double high = 0;
};

inline Median MedianOf(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const auto n = static_cast<double>(samples.size());
  const auto at = [&](double position) {
    const double clamped = std::clamp(position, 0.0, n - 1);
    return samples[static_cast<std::size_t>(clamped)];
  };
  Median median;
  median.value = samples.size() % 2 == 1 ? at(n / 2) : (at(n / 2 - 1) + at(n / 2)) / 2;
  const double half = 1.96 * std::sqrt(n) / 2;
  median.low = at(std::floor(n / 2 - half));
  median.high = at(std::ceil(n / 2 + half));
  return median;
}

/// The value below which `share` of the samples lie.
inline double Percentile(std::vector<double>& samples, double share) {
  if (samples.empty()) return 0;
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(rank),
                   samples.end());
  return samples[rank];
}

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_STATISTICS_H_
