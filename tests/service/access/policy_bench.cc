// SPDX-License-Identifier: Apache-2.0
// What a decision of a policy with 10,000 rules costs where no request is like another, and what
// the policy takes in memory. Processor time of one thread.
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "service/access/compiled_policy.h"

namespace tokensvc {
namespace {

constexpr int kRules = 10'000;
constexpr int kRegistrations = 1'000;
constexpr int kTenantsOfRule = 5;
constexpr int kRequests = 200'000;
constexpr int kColdRequests = 500;

double CpuNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::string TenantOf(int rule, int which) {
  return absl::StrCat("t", rule, "-", which, ".example");
}

/// Each rule is for a namespace or, every tenth, for a whole id; a registration and a few tenants.
PolicySpec MakeSpec() {
  PolicySpec spec;
  for (int i = 0; i < kRules; ++i) {
    PolicyRule rule;
    rule.name = absl::StrCat("rule-", i);
    rule.callers = {
        absl::StrCat("spiffe://prod.example/ns/team-", i, i % 10 == 0 ? "/sa/api" : "/*")};
    rule.registrations = {absl::StrCat("registration-", i % kRegistrations)};
    for (int k = 0; k < kTenantsOfRule; ++k) rule.tenants.push_back(TenantOf(i, k));
    rule.grants = {"client_credentials"};
    rule.scopes = {absl::StrCat("https://api-", i, ".example/.default"), "https://graph.example/*"};
    spec.rules.push_back(std::move(rule));
  }
  return spec;
}

/// The texts of a request, each in memory of its own.
struct Request {
  Caller caller;
  std::string registration;
  std::string tenant;
  std::string scopes;

  AccessRequest View() const {
    AccessRequest request;
    request.registration = registration;
    request.tenant = tenant;
    request.grant = "client_credentials";
    request.scopes = scopes;
    return request;
  }
};

/// The `i`-th: like no other by its scope; allowed, or denied at its tenant or its caller.
Request MakeRequest(int i, std::mt19937& random) {
  const int rule = static_cast<int>(random() % kRules);
  const int kind = i % 4;  // Half are allowed.
  const int team = kind == 3 ? rule + kRules : rule;
  Request request;
  request.caller.id = absl::StrCat("spiffe://prod.example/ns/team-", team, "/sa/api");
  request.registration = absl::StrCat("registration-", rule % kRegistrations);
  request.tenant =
      TenantOf(kind == 2 ? rule + 1 : rule, static_cast<int>(random() % kTenantsOfRule));
  request.scopes = absl::StrCat("https://graph.example/", i, "/.default");
  return request;
}

void Run() {
  KnownRegistrations registrations;
  for (int i = 0; i < kRegistrations; ++i) registrations[absl::StrCat("registration-", i)] = true;
  PolicySpec spec = MakeSpec();
  const std::size_t before = mallinfo2().uordblks;
  const double start = CpuNanoseconds();
  // A copy is compiled, so that what the policy keeps of the text counts.
  auto compiled = CompiledPolicy::Compile(PolicySpec(spec), registrations);
  if (!compiled.ok()) std::abort();
  const double compile = (CpuNanoseconds() - start) * 1e-6;
  const std::size_t bytes = mallinfo2().uordblks - before;
  const CompiledPolicy& policy = **compiled;

  std::mt19937 random(1);
  std::vector<Request> requests;
  for (int i = 0; i < kRequests; ++i) requests.push_back(MakeRequest(i, random));
  std::shuffle(requests.begin(), requests.end(), random);
  int allowed = 0;
  const double first = CpuNanoseconds();
  for (const Request& request : requests) {
    allowed += policy.Decide(request.caller, request.View()).allowed() ? 1 : 0;
  }
  const double distinct = (CpuNanoseconds() - first) / kRequests;
  if (allowed != kRequests / 2) std::abort();

  const Request& again = requests.front();
  const double second = CpuNanoseconds();
  for (int i = 0; i < kRequests; ++i) {
    allowed += policy.Decide(again.caller, again.View()).allowed() ? 1 : 0;
  }
  const double same = (CpuNanoseconds() - second) / kRequests;

  // Everything is pushed out of the processor's caches before each of these.
  std::vector<std::uint8_t> other(std::size_t{64} << 20);
  std::vector<double> cold;
  for (int i = 0; i < kColdRequests; ++i) {
    for (std::size_t at = 0; at < other.size(); at += 64) ++other[at];
    const Request& request = requests[static_cast<std::size_t>(i)];
    const double at = CpuNanoseconds();
    allowed += policy.Decide(request.caller, request.View()).allowed() ? 1 : 0;
    cold.push_back(CpuNanoseconds() - at);
  }
  std::nth_element(cold.begin(), cold.begin() + kColdRequests / 2, cold.end());
  std::cout << absl::StrFormat(
      "%d rules: compiled in %.0f ms, %.1f MB (%d B a rule); a decision, ns: %d distinct requests "
      "in random order %.0f, the same one again %.0f, processor caches emptied first (median, with "
      "the clock's own cost) %.0f\n",
      kRules, compile, static_cast<double>(bytes) * 1e-6, bytes / kRules, kRequests, distinct, same,
      cold[kColdRequests / 2]);
  if (allowed == 0) std::abort();  // Nobody optimises the decisions away.
}

}  // namespace
}  // namespace tokensvc

int main() { tokensvc::Run(); }
