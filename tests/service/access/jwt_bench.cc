// SPDX-License-Identifier: Apache-2.0
// What it costs to tell who shows a JWT: processor time of one thread.
#include <time.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/strings/str_format.h"
#include "service/access/jwt_authenticator.h"
#include "tests/service/jose/jwt_testing.h"

namespace tokensvc {
namespace {

using testing::EcKey;
using testing::RsaKey;

/// Keys that never change.
class FixedKeys final : public IssuerKeys {
 public:
  explicit FixedKeys(JwkSet keys) : keys_(std::make_shared<const JwkSet>(std::move(keys))) {}
  Snapshot Current() override { return keys_; }
  void WaitForNewer(Snapshot, absl::Duration, Done done) override { done(keys_); }

 private:
  const Snapshot keys_;
};

// Of this thread: the machine may be busy with other things.
double CpuMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

template <class Work>
double Microseconds(const Work& work) {
  constexpr int kRuns = 5000;
  const double start = CpuMicroseconds();
  for (int i = 0; i < kRuns; ++i) work();
  return (CpuMicroseconds() - start) / kRuns;
}

void Measure(const char* name, const std::string& token) {
  testing::FakeClock clock;
  MetricRegistry registry;
  JwtMetrics metrics(registry);
  JwtProfile profile;
  profile.issuer = testing::kTestIssuer;
  profile.audiences = {testing::kTestAudience};
  const JwkSet keys =
      testing::JwkSetOf({testing::JwkOf(RsaKey(), "rsa"), testing::JwkOf(EcKey(), "ec")});
  const JwtVerifier verifier = JwtVerifier::Create(profile).value();
  const auto authenticator = JwtAuthenticator::Create(
      {{"main", verifier, std::make_shared<FixedKeys>(keys)}}, clock, metrics);
  const auto authenticate = [&](const std::string& shown, bool good) {
    authenticator->Authenticate(shown, absl::Minutes(1), [good](JwtAuthenticator::Outcome o) {
      if (o.ok() != good) std::abort();
    });
  };
  std::string forged = token;
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  authenticate(token, true);
  const double parse = Microseconds([&] { ParseJwt(token); });
  const double verify =
      Microseconds([&] { verifier.Verify(token, keys, testing::FakeClock::Start()); });
  const double hit = Microseconds([&] { authenticate(token, true); });
  const double refused = Microseconds([&] { authenticate(forged, false); });
  std::cout << absl::StrFormat(
      "%s, %d B; µs: verify %.1f (of it parsing %.1f), remembered %.2f, bad signature %.1f\n", name,
      token.size(), verify, parse, hit, refused);
}

/// What a stranger can make us do without any key: the largest token with the most values.
void MeasureStranger() {
  std::string members = "{\"a\":[0";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&members, ",{\"b\":0}");
  const std::string header = Base64Url(R"({"alg":"ES256"})");
  const std::string token = absl::StrCat(header, ".", Base64Url(members + "]}"), ".AAAA");
  if (!ParseJwt(token).ok()) std::abort();
  const std::string garbage(kMaxJwtBytes, 'A');
  std::cout << absl::StrFormat("stranger's, %d B; µs: parsing %.1f; %d B of garbage %.2f\n",
                               token.size(), Microseconds([&] { ParseJwt(token); }), garbage.size(),
                               Microseconds([&] { ParseJwt(garbage); }));
}

}  // namespace
}  // namespace tokensvc

int main() {
  using namespace tokensvc;
  Json claims = testing::GoodClaims();
  Measure("RS256", testing::GoodToken(testing::RsaKey(), "rsa", claims));
  Measure("ES256", testing::GoodToken(testing::EcKey(), "ec", claims));
  claims["groups"] = std::vector<std::string>(24, "72f988bf-86f1-41af-91ab-2d7cd011db47");
  Measure("RS256", testing::GoodToken(testing::RsaKey(), "rsa", claims));
  MeasureStranger();
}
