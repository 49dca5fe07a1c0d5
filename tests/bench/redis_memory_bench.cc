// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/redis_memory_bench.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "cache/seal/sealed_store.h"
#include "tests/cache/redis/redis_harness.h"
#include "tests/cache/redis/redis_server.h"
#include "tests/cache/seal/sample_tokens.h"

namespace tokensvc::bench {
namespace {

/// One number of `INFO memory`; zero where it is not there.
std::int64_t InfoNumber(const testing::RedisServer& redis, absl::string_view name) {
  const std::string info = redis.Command({"INFO", "memory"});
  for (const absl::string_view line : absl::StrSplit(info, absl::ByAnyChar("\r\n"))) {
    absl::string_view value = line;
    std::int64_t number = 0;
    if (absl::ConsumePrefix(&value, absl::StrCat(name, ":")) && absl::SimpleAtoi(value, &number)) {
      return number;
    }
  }
  return 0;
}

/// `used_memory` once it stands still: tables that grow move in the background.
std::int64_t UsedMemory(const testing::RedisServer& redis) {
  std::int64_t used = 0, same = 0;
  for (int i = 0; i < 100 && same < 5; ++i) {
    const std::int64_t now = InfoNumber(redis, "used_memory");
    same = std::abs(now - used) < 4096 ? same + 1 : 0;
    used = now;
    absl::SleepFor(absl::Milliseconds(200));
  }
  return used;
}

/// The service's store, sealing and all, over one connection.
class Writer {
 public:
  explicit Writer(std::uint16_t port)
      : redis_(testing::PatientOptions(port), /*key_prefix=*/""),
        events_(redis_.registry, redis_.logger, clock_),
        agreement_(redis_.logger),
        sealed_({"tokensvc:", "default"},
                {*redis_.store, keys_, redis_.health.fleet_clock(), floors_, events_, agreement_,
                 random_, purges_, namer_}) {}

  bool Connected() { return redis_.WaitUntilConnected(); }

  bool Put(std::uint64_t number, const std::string& token) {
    TokenRecord::Fields fields;
    fields.token = token;
    fields.granted_scopes = "https://orders.contoso.example/.default";
    fields.expires_at = clock_.Now() + absl::Hours(1);
    fields.refresh_at = clock_.Now() + absl::Minutes(48);
    fields.usable_until = clock_.Boot() + std::chrono::minutes(59);
    fields.due = clock_.Boot() + std::chrono::minutes(48);
    fields.generation = 1'790'000'000'000'000 + number;  // microseconds since the epoch
    RecordName name{absl::StrCat("canonical key ", number), absl::StrCat("tenant ", number),
                    "orders-service", "orders-service/0"};
    return redis_.Run(sealed_.Put(std::move(name), TokenRecord::Make(fields))).ok();
  }

  RandomGenerator& random() { return random_; }

 private:
  SystemClock clock_;
  SystemRandom random_;
  testing::RedisHarness redis_;
  const FixedKeyRings keys_{{KeyRing::MakeRandom(KeyPurpose::kSealing, random_),
                             KeyRing::MakeRandom(KeyPurpose::kIndex, random_)}};
  GenerationFloors floors_;
  SealEvents events_;
  KeyAgreement agreement_;
  PurgeEpochs purges_;
  PurgeNamer namer_{keys_, "default"};
  SealedStore sealed_;
};

}  // namespace

RedisMemoryResult RunRedisMemoryBench(int records, const TokenMaker& make_token) {
  RedisMemoryResult result;
  const testing::RedisServer redis;
  Writer writer(redis.port());
  // The first record brings the script and the connection's buffers.
  if (!writer.Connected() || !writer.Put(0, make_token(writer.random()))) return result;
  const std::int64_t before = UsedMemory(redis);
  for (int i = 1; i <= records; ++i) {
    const std::string token = make_token(writer.random());
    if (!writer.Put(static_cast<std::uint64_t>(i), token)) return result;
    result.token_bytes += static_cast<double>(token.size());
  }
  const std::int64_t after = UsedMemory(redis);
  result.token_bytes /= records;
  result.record_bytes = static_cast<double>(after - before) / records;
  result.ok = redis.Command({"DBSIZE"}) == absl::StrCat(records + 1);
  return result;
}

std::string TokenWithRoles(RandomGenerator& random, std::size_t bytes) {
  return testing::EntraToken(random, bytes);
}

std::string TokenWithGroups(RandomGenerator& random, std::size_t bytes) {
  const std::string tenant = MakeUuid(random), object = MakeUuid(random);
  const std::string header = absl::StrCat(R"({"typ":"JWT","alg":"RS256","kid":")",
                                          testing::RandomText(random, 27), R"("})");
  const std::string signature = testing::RandomBytes(random, 256);
  std::string groups;
  for (;;) {
    const std::string claims = absl::StrCat(
        R"({"aud":")", MakeUuid(random), R"(","iss":"https://login.microsoftonline.com/)", tenant,
        R"(/v2.0","iat":1767323045,"nbf":1767323045,"exp":1767326945,"aio":")",
        testing::RandomText(random, 44), R"(","azp":")", MakeUuid(random),
        R"(","azpacr":"1","groups":[")", object, "\"", groups, R"(],"oid":")", object,
        R"(","rh":"1.)", testing::RandomText(random, 40), R"(.","sub":")", object, R"(","tid":")",
        tenant, R"(","uti":")", testing::RandomText(random, 22), R"(","ver":"2.0"})");
    std::string token = testing::JoinJwt(header, claims, signature);
    if (token.size() >= bytes) return token;
    absl::StrAppend(&groups, ",\"", MakeUuid(random), "\"");
  }
}

std::string OpaqueToken(RandomGenerator& random, std::size_t bytes) {
  return testing::RandomText(random, bytes);
}

}  // namespace tokensvc::bench
