// SPDX-License-Identifier: Apache-2.0
// What it costs to look whether a caller has calls left. Processor time of one thread, and wall
// time of two that do it at once.
#include <malloc.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "service/access/caller_quotas.h"

namespace tokensvc {
namespace {

constexpr int kCalls = 5'000'000;
constexpr int kFewCallers = 500;
constexpr int kCallers = 50'000;

double CpuNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

Caller CallerOf(int i) { return {absl::StrCat("spiffe://prod.example/ns/team-", i, "/sa/api")}; }

/// `calls`: how many of `Take` were refused.
double PerCall(CallerQuotas& quotas, const CompiledPolicy& policy,
               const std::vector<Caller>& callers, const std::vector<std::uint32_t>& order,
               std::int64_t& refused) {
  BootTime now(std::chrono::hours(1));
  const double start = CpuNanoseconds();
  for (const std::uint32_t place : order) {
    now += std::chrono::microseconds(20);
    refused += quotas.Take(callers[place], policy, 1, now).has_value() ? 1 : 0;
  }
  return (CpuNanoseconds() - start) / static_cast<double>(order.size());
}

void Run() {
  PolicySpec spec;
  for (int i = 0; i < 1000; ++i) {
    spec.quotas.push_back(
        {{absl::StrCat("spiffe://prod.example/ns/team-", i, "/*")}, {100'000, 0, 0}});
  }
  const auto compiled = CompiledPolicy::Compile(std::move(spec), {});
  if (!compiled.ok()) std::abort();
  const CompiledPolicy& policy = **compiled;
  std::vector<Caller> callers;
  for (int i = 0; i < kCallers; ++i) callers.push_back(CallerOf(i));
  std::int64_t refused = 0;

  MetricRegistry registry;
  CallerQuotas one({5000, 10'000, 100}, registry);
  std::vector<std::uint32_t> order(kCalls, 0);
  PerCall(one, policy, callers, order, refused);
  const double same = PerCall(one, policy, callers, order, refused);

  std::mt19937 random(1);
  for (std::uint32_t& place : order) place = random() % kFewCallers;
  PerCall(one, policy, callers, order, refused);
  const double few = PerCall(one, policy, callers, order, refused);

  MetricRegistry registry_of_many;
  CallerQuotas many({5000, 10'000, 100}, registry_of_many);
  for (std::uint32_t i = 0; i < kCallers; ++i) order[i] = i;
  for (std::size_t i = kCallers; i < order.size(); ++i) order[i] = random() % kCallers;
  const std::size_t before = mallinfo2().uordblks;
  const std::vector<std::uint32_t> each(order.begin(), order.begin() + kCallers);
  const double first = PerCall(many, policy, callers, each, refused);
  const std::size_t bytes = (mallinfo2().uordblks - before) / kCallers;
  const double any = PerCall(many, policy, callers, order, refused);

  const std::vector<std::uint32_t> again(kCalls, 0);
  double each_of_two[2] = {0, 0};
  std::vector<std::thread> threads;
  for (double& nanoseconds : each_of_two) {
    threads.emplace_back([&] {
      std::int64_t ignored = 0;
      nanoseconds = PerCall(one, policy, callers, again, ignored);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::cout << absl::StrFormat(
      "a look at a quota, ns: one caller again and again %.0f; %d callers in random order %.0f; %d "
      "%.0f; a "
      "caller's first, with the policy's answer, %.0f; one caller from two threads at once %.0f. "
      "Memory of a caller: %d B. (%d refused)\n",
      same, kFewCallers, few, kCallers, any, first, (each_of_two[0] + each_of_two[1]) / 2, bytes,
      refused);
}

}  // namespace
}  // namespace tokensvc

int main() { tokensvc::Run(); }
