// SPDX-License-Identifier: Apache-2.0
// What it costs to tell who shows a client certificate: the first time, and again.
#include <cstdio>
#include <functional>

#include "service/access/certificate_callers.h"
#include "tests/service/access/certificate_testing.h"

int main() {
  using namespace tokensvc;  // NOLINT
  using testing::ClientAuthority;
  SystemClock clock;
  const ClientAuthority authority("Clients", nullptr, clock.Now() + absl::Hours(1));
  testing::ClientSpec spec = testing::Spiffe("spiffe://prod.example/ns/orders/worker");
  spec.not_after = clock.Now() + absl::Hours(1);
  const std::string leaf = authority.Issue(spec);
  CertificateCallers callers(clock);
  const auto measure = [&](const char* what, int calls, const std::function<void()>& before) {
    const BootTime start = clock.Boot();
    int good = 0;
    for (int i = 0; i < calls; ++i) {
      before();
      good += callers.Identify(leaf, leaf).ok() ? 1 : 0;
    }
    const auto took = clock.Boot() - start;
    std::printf("%-24s %8.0f ns per call (%d of %d good, PEM of %zu bytes)\n", what,
                static_cast<double>(took.count()) / calls, good, calls, leaf.size());
  };
  const std::string bundle = authority.Pem();
  measure("after a new trust", 2000, [&] { static_cast<void>(callers.Trust(bundle)); });
  measure("remembered", 2000000, [] {});
  return 0;
}
