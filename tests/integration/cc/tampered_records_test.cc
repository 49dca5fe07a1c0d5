// SPDX-License-Identifier: Apache-2.0
// What somebody who can write to Redis can make replicas do: ask the authority, and nothing else.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/json.h"
#include "cache/blob_store.h"
#include "cache/seal/length_prefix.h"
#include "cache/seal/sealer.h"
#include "gmock/gmock.h"
#include "tests/integration/cc/shared_cache_fixture.h"

namespace tokensvc {
namespace {

using testing::ServiceReplica;

constexpr const char* kCauses[] = {"malformed", "unknown_format", "unknown_key", "forged", "stale"};

/// A change to the bytes of a record, and as what it is counted.
struct Tampering {
  std::string name;
  std::string cause;
  std::function<std::string(std::string)> change;
};

Tampering Flip(const std::string& name, const std::string& cause, std::size_t byte, int bit) {
  return {name, cause, [byte, bit](std::string blob) {
            blob[byte] = static_cast<char>(blob[byte] ^ (1 << bit));
            return blob;
          }};
}

/// In bytes from the end: the ciphertext's length differs between records.
Tampering FlipFromEnd(const std::string& name, std::size_t from_end, int bit) {
  return {name, "forged", [from_end, bit](std::string blob) {
            char& byte = blob[blob.size() - from_end];
            byte = static_cast<char>(byte ^ (1 << bit));
            return blob;
          }};
}

Tampering Cut(std::size_t size, const std::string& cause) {
  return {absl::StrCat("cut to ", size), cause,
          [size](const std::string& blob) { return blob.substr(0, size); }};
}

Tampering Generation(std::uint64_t generation) {
  return {absl::StrCat("generation ", generation), "forged", [generation](std::string blob) {
            std::string bytes;
            AppendBigEndian(generation, 8, &bytes);
            return blob.replace(kBlobGenerationOffset, 8, bytes);
          }};
}

std::vector<Tampering> Tamperings() {
  constexpr std::size_t kNonce = SealedHeader::kBytes;
  constexpr std::size_t kCiphertext = kNonce + Sealer::kNonceBytes;
  constexpr std::size_t kTag = Sealer::kTagBytes;
  std::vector<Tampering> all = {
      {"format N+1", "unknown_format",
       [](std::string blob) {
         blob[0] = static_cast<char>(blob[0] + 1);
         return blob;
       }},
      Flip("format", "unknown_format", 0, 7),
      Flip("kind", "malformed", 1, 0),
      Flip("first byte of the key id", "unknown_key", 2, 0),
      Flip("last byte of the key id", "unknown_key", 5, 7),
      Flip("highest bit of the generation", "forged", 6, 7),
      Flip("middle bit of the generation", "forged", 8, 2),
      Flip("lowest bit of the generation", "forged", 13, 0),
      Generation(0),
      Generation(kMaxGeneration - 1),
      Generation(kMaxGeneration),
      Generation(~std::uint64_t{0}),
      Flip("last byte of the nonce", "forged", kCiphertext - 1, 3),
      Flip("first byte of the nonce", "forged", kNonce, 0),
      Flip("first byte of the ciphertext", "forged", kCiphertext, 0),
      FlipFromEnd("last byte of the ciphertext", kTag + 1, 7),
      FlipFromEnd("first byte of the tag", kTag, 0),
      FlipFromEnd("last byte of the tag", 1, 7),
      {"one byte more", "forged", [](const std::string& blob) { return blob + '\0'; }},
      {"one byte less", "forged",
       [](const std::string& blob) { return blob.substr(0, blob.size() - 1); }},
      {"text", "unknown_format",
       [](const std::string& blob) { return std::string(blob.size(), 'x'); }},
      Cut(0, "malformed"),
      Cut(1, "malformed"),
      Cut(13, "malformed"),
      Cut(SealedHeader::kBytes, "malformed"),
      Cut(Sealer::kOverheadBytes - 1, "malformed"),
      Cut(Sealer::kOverheadBytes, "forged"),
  };
  for (std::size_t epoch = 0; epoch < 4; ++epoch) {
    all.push_back(Flip(absl::StrCat("purge epoch ", epoch), "forged", 14 + 8 * epoch + 7, 0));
  }
  return all;
}

class TamperedRecordsTest : public testing::SharedCacheFixture {
 protected:
  /// A record in Redis, and what it was sealed from.
  struct Planted {
    v1::AcquireForClientRequest request;
    std::string key;
    std::string blob;
    std::string token;
  };

  TamperedRecordsTest() {
    StartRedis();
    writer_ = StartReplica({}, kPatient);
    victim_ = StartReplica({}, kPatient);
  }

  Planted Plant(const v1::AcquireForClientRequest& request) {
    Planted planted;
    planted.request = request;
    const v1::AcquireForClientResponse response = writer_->MustAcquire(request);
    EXPECT_EQ(response.source(), v1::TOKEN_SOURCE_AUTHORITY);
    planted.token = response.access_token().value();
    const std::string keys = redis_->Command({"KEYS", "tokensvc:v:*"});
    for (const absl::string_view key : absl::StrSplit(keys, '\n', absl::SkipEmpty())) {
      if (keys_.insert(std::string(key)).second) planted.key = std::string(key);
    }
    planted.blob = redis_->Command({"GET", planted.key});
    EXPECT_GT(planted.blob.size(), Sealer::kOverheadBytes);
    return planted;
  }
  Planted Plant() { return Plant(Request(absl::StrCat("api://r", next_++, "/.default"))); }

  void Overwrite(const Planted& planted, const std::string& bytes) {
    ASSERT_EQ(redis_->Command({"SET", planted.key, bytes, "KEEPTTL"}), "OK");
  }

  /// That the victim gets its token from the authority, refusing what stands in Redis for one of
  /// `causes`, and that the next replica finds the victim's token there.
  void ExpectRefusedAndHealed(const Planted& planted, const std::string& cause) {
    const std::map<std::string, double> before = Refused();
    const v1::AcquireForClientResponse answer = victim_->MustAcquire(planted.request);
    EXPECT_EQ(answer.source(), v1::TOKEN_SOURCE_AUTHORITY);
    const std::string& token = answer.access_token().value();
    EXPECT_TRUE(token != planted.token);
    EXPECT_EQ(ResourceAndTenant(token), ResourceAndTenant(planted.token));
    std::map<std::string, double> expected = before;
    ++expected[cause];
    ++refused_[cause];
    EXPECT_EQ(Refused(), expected);

    EXPECT_EQ(victim_->MustAcquire(planted.request).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
    healed_.emplace_back(planted.request, token);
  }

  /// That a replica which comes later finds in Redis all that the victim fetched.
  void ExpectHealed() {
    const auto next = StartReplica({}, kPatient);
    for (const auto& [request, token] : healed_) {
      const v1::AcquireForClientResponse answer = next->MustAcquire(request);
      EXPECT_EQ(answer.source(), v1::TOKEN_SOURCE_SHARED_CACHE) << request.scopes(0);
      EXPECT_TRUE(answer.access_token().value() == token);
    }
    for (const char* cause : kCauses) {
      EXPECT_EQ(next->Metric(MetricOf(cause)), 0) << cause;
    }
  }

  /// That the log has each cause once a minute, however many records were refused.
  void ExpectLoggedOnceForEachCause() {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(
        std::chrono::steady_clock::now() - started_);
    for (const auto& [cause, records] : refused_) {
      const std::size_t lines = victim_->Logged("sealed_record_refused", "cause", cause);
      EXPECT_GE(lines, 1u) << cause;
      EXPECT_LE(lines, 1u + static_cast<std::size_t>(minutes.count())) << cause;
    }
  }

  static std::string MetricOf(const std::string& cause) {
    return absl::StrCat("tokensvc_sealed_record_failures_total{cause=\"", cause, "\"}");
  }

  std::map<std::string, double> Refused() const {
    std::map<std::string, double> refused;
    for (const char* cause : kCauses) refused[cause] = victim_->Metric(MetricOf(cause));
    return refused;
  }

  /// What the payload of a JWT says, and no other token of these tests does: resource and tenant.
  static std::pair<std::string, std::string> ResourceAndTenant(const std::string& token) {
    const std::vector<std::string> parts = absl::StrSplit(token, '.');
    std::string payload;
    EXPECT_EQ(parts.size(), 3u);
    EXPECT_TRUE(parts.size() == 3 && absl::WebSafeBase64Unescape(parts[1], &payload));
    const Json claims = Json::parse(payload, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(claims.is_object());
    return {claims.value("aud", ""), claims.value("tid", "")};
  }

  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::unique_ptr<ServiceReplica> writer_, victim_;
  std::set<std::string> keys_;
  int next_ = 0;
  std::map<std::string, int> refused_;
  std::vector<std::pair<v1::AcquireForClientRequest, std::string>> healed_;
};

TEST_F(TamperedRecordsTest, AreNeverServedCountedByCauseLoggedOnceAndReplaced) {
  for (const Tampering& tampering : Tamperings()) {
    SCOPED_TRACE(tampering.name);
    const Planted planted = Plant();
    Overwrite(planted, tampering.change(planted.blob));
    ExpectRefusedAndHealed(planted, tampering.cause);
  }
  ExpectLoggedOnceForEachCause();
  ExpectHealed();
  EXPECT_EQ(victim_->Ready(), grpc::health::v1::HealthCheckResponse::SERVING);
}

TEST_F(TamperedRecordsTest, OfAnotherTokenAreNeverServed) {
  const Planted one = Plant(), other = Plant();
  Overwrite(one, other.blob);
  Overwrite(other, one.blob);
  ExpectRefusedAndHealed(one, "forged");
  ExpectRefusedAndHealed(other, "forged");
  ExpectHealed();
}

TEST_F(TamperedRecordsTest, OfAnotherTenantAreNeverServed) {
  v1::AcquireForClientRequest elsewhere = Request();
  elsewhere.set_tenant("contoso.example");
  const Planted ours = Plant(Request()), theirs = Plant(elsewhere);
  ASSERT_NE(ResourceAndTenant(ours.token), ResourceAndTenant(theirs.token));
  Overwrite(ours, theirs.blob);
  Overwrite(theirs, ours.blob);
  ExpectRefusedAndHealed(ours, "forged");
  ExpectRefusedAndHealed(theirs, "forged");
  ExpectHealed();
}

TEST_F(TamperedRecordsTest, OfAnotherTypeAreNeverServedAndReplaced) {
  for (std::vector<std::string> make :
       std::vector<std::vector<std::string>>{{"LPUSH", "KEY", "x"},
                                             {"SADD", "KEY", "x"},
                                             {"HSET", "KEY", "x", "y"},
                                             {"ZADD", "KEY", "1", "x"},
                                             {"XADD", "KEY", "*", "x", "y"}}) {
    SCOPED_TRACE(make[0]);
    const Planted planted = Plant();
    redis_->Command({"DEL", planted.key});
    make[1] = planted.key;
    redis_->Command(make);
    ExpectRefusedAndHealed(planted, "malformed");
  }
  ExpectLoggedOnceForEachCause();
  EXPECT_EQ(victim_->Logged("redis_command_refused", "code", "WRONGTYPE"), 1u);
  ExpectHealed();
}

TEST_F(TamperedRecordsTest, OfAnUnknownKeyAreNeverServed) {
  const Planted planted = Plant();
  std::string blob = planted.blob;
  blob[2] = static_cast<char>(blob[2] ^ 1);  // the key's id
  ASSERT_EQ(redis_->Command({"SET", planted.key, blob}), "OK");
  ExpectRefusedAndHealed(planted, "unknown_key");
  ExpectHealed();
}

// It has the index key, so it would write where the others read.
TEST_F(TamperedRecordsTest, AReplicaWhoseSealingKeysAreNotTheFleetsReplacesNone) {
  WriteKeys("foreign", KeyPurpose::kSealing);
  const auto foreign = StartReplica({"foreign", "index"}, kPatient);
  ASSERT_TRUE(Eventually([&] { return foreign->logger.Count("keys_disagree") > 0; }));
  const Planted planted = Plant();
  const v1::AcquireForClientResponse theirs = foreign->MustAcquire(planted.request);
  EXPECT_EQ(theirs.source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(redis_->Command({"GET", planted.key}), planted.blob);
}

TEST_F(TamperedRecordsTest, CostABatchTheirOwnItemsOnly) {
  v1::BatchAcquireForClientRequest batch;
  std::vector<Planted> planted;
  for (int i = 0; i < 10; ++i) {
    planted.push_back(Plant());
    *batch.add_requests() = planted.back().request;
  }
  const auto is_tampered = [](int i) { return i % 3 == 0; };
  for (int i = 0; i < 10; ++i) {
    if (is_tampered(i)) Overwrite(planted[i], planted[(i + 1) % 10].blob);
  }
  grpc::ClientContext context;
  v1::BatchAcquireForClientResponse response;
  ASSERT_TRUE(victim_->stub->BatchAcquireForClient(&context, batch, &response).ok());
  ASSERT_EQ(response.results_size(), 10);
  for (int i = 0; i < 10; ++i) {
    const v1::AcquireForClientResponse& answer = response.results(i).response();
    EXPECT_EQ(answer.source(),
              is_tampered(i) ? v1::TOKEN_SOURCE_AUTHORITY : v1::TOKEN_SOURCE_SHARED_CACHE);
    EXPECT_EQ(answer.access_token().value() == planted[i].token, !is_tampered(i));
    EXPECT_EQ(ResourceAndTenant(answer.access_token().value()),
              ResourceAndTenant(planted[i].token));
  }
  EXPECT_EQ(Refused()["forged"], 4);
}

}  // namespace
}  // namespace tokensvc
