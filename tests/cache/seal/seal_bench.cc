// SPDX-License-Identifier: Apache-2.0
// What packing and sealing cost for one record: processor time of one thread.
#include <time.h>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "cache/seal/opaque_names.h"
#include "cache/seal/record_codec.h"
#include "cache/seal/sealer.h"
#include "tests/cache/seal/sample_tokens.h"

namespace tokensvc {
namespace {

// Of this thread: the machine may be busy with other things.
double CpuMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

template <class Work>
double Microseconds(const Work& work) {
  constexpr int kRuns = 20000;
  const double start = CpuMicroseconds();
  for (int i = 0; i < kRuns; ++i) work();
  return (CpuMicroseconds() - start) / kRuns;
}

void Measure(std::size_t size) {
  SystemRandom random;
  const SystemClock clock;
  const KeyRing ring = KeyRing::MakeRandom(KeyPurpose::kSealing, random);
  const std::string token = testing::EntraToken(random, size);
  const FleetInstant now{clock.Boot(), clock.Now(), clock.Now()};
  TokenRecord::Fields fields;
  fields.token = token;
  fields.granted_scopes = "https://orders.contoso.example/.default";
  fields.expires_at = clock.Now() + absl::Hours(1);
  fields.refresh_at = clock.Now() + absl::Minutes(45);
  fields.usable_until = now.boot + std::chrono::minutes(59);
  fields.due = now.boot + std::chrono::minutes(45);
  const auto record = TokenRecord::Make(fields);

  RecordCodec codec;
  Sealer sealer(random);
  OpaqueNames names("tokensvc:", "fleet");
  const std::string key = names.RecordKey(ring.primary(), std::string(200, 'k'));
  const SealedPlace place{"fleet", key, "contoso"};
  const Secret packed = *codec.Pack(*record, now);
  const std::string blob = sealer.Seal(ring, {}, place, packed.Reveal());
  const double pack = Microseconds([&] { codec.Pack(*record, now); });
  const double seal = Microseconds([&] { sealer.Seal(ring, {}, place, packed.Reveal()); });
  const double open =
      Microseconds([&] { sealer.Open(ring, SealedKind::kAppAccessToken, place, blob).ok(); });
  const double unpack = Microseconds([&] { codec.Unpack(packed.Reveal(), 1, now); });
  const double name = Microseconds([&] { names.RecordKey(ring.primary(), place.key); });
  int tenant = 0;
  const double derive = Microseconds([&] {
    const std::string partition = std::to_string(++tenant);
    sealer.Seal(ring, {}, {"fleet", key, partition}, packed.Reveal());
  });
  std::cout << absl::StrFormat(
      "token %d B: blob %d B (%.3f of the token); µs: pack %.2f, seal %.2f, open %.2f, "
      "unpack "
      "%.2f, name %.2f, seal for a new partition %.2f\n",
      token.size(), blob.size(), static_cast<double>(blob.size()) / token.size(), pack, seal, open,
      unpack, name, derive);
}

}  // namespace
}  // namespace tokensvc

int main() {
  for (const std::size_t size : {1500, 2048, 4096}) tokensvc::Measure(size);
}
