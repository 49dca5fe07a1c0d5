// SPDX-License-Identifier: Apache-2.0
// What is right and wrong in cache.redis.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/service/config/config_testing.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Redis(absl::string_view address, absl::string_view transport,
                  absl::string_view more = "") {
  return SmallConfigAnd(absl::StrCat("cache:\n  redis:\n    address: \"", address, "\"\n    ",
                                     transport, "\n    sealing_keys_file: sealing.keys\n",
                                     "    index_keys_file: index.keys\n", more));
}

std::string RedisWith(absl::string_view more) { return Redis("redis:6379", "tls: {}", more); }

TEST(ConfigRedis, TheDefaultsAreTheDocumentedOnes) {
  const auto config = ParseConfig(RedisWith(""));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->cache().redis().key_prefix(), "tokensvc:");
  EXPECT_EQ(config->cache().redis().keyspace(), "default");
  EXPECT_EQ(config->cache().redis().record_format(), 1u);
}

TEST(ConfigRedis, PlaintextNeverLeavesTheMachine) {
  EXPECT_THAT(ErrorsOf(Redis("127.0.0.1:6379", "plaintext: {}")), IsEmpty());
  EXPECT_THAT(ErrorsOf(Redis("redis:6379", "plaintext: {}")),
              ElementsAre(ErrorAt("cache.redis.plaintext", "Write tls instead")));
}

TEST(ConfigRedis, TheAddressHasHostAndPort) {
  for (const char* address : {"redis", "redis:", ":6379", "redis:70000", "redis://redis:6379"}) {
    EXPECT_THAT(ErrorsOf(Redis(address, "tls: {}")),
                ElementsAre(ErrorAt("cache.redis.address", "for example redis.internal:6379")))
        << address;
  }
}

TEST(ConfigRedis, MutualTlsNeedsCertificateAndKey) {
  for (const char* one : {"certificate_file", "private_key_file"}) {
    EXPECT_THAT(ErrorsOf(Redis("redis:6379", absl::StrCat("tls: {", one, ": a.pem}"))),
                ElementsAre(ErrorAt("cache.redis.tls", "or neither")));
  }
}

TEST(ConfigRedis, AUserNeedsAPassword) {
  EXPECT_THAT(ErrorsOf(RedisWith("    username: tokensvc\n")),
              ElementsAre(ErrorAt("cache.redis.password", "is missing")));
  EXPECT_THAT(ErrorsOf(RedisWith("    username: tokensvc\n    password: env:REDIS_PASSWORD\n")),
              IsEmpty());
}

TEST(ConfigRedis, EachRingHasAFileOfItsOwn) {
  const std::string text = SmallConfigAnd(
      "cache: {redis: {address: \"redis:1\", tls: {}, sealing_keys_file: a, index_keys_file: "
      "a}}\n");
  EXPECT_THAT(ErrorsOf(text), ElementsAre(ErrorAt("cache.redis.index_keys_file", "another file")));
}

TEST(ConfigRedis, OnlyFormatsThatThisReleaseWritesAreTaken) {
  EXPECT_THAT(ErrorsOf(RedisWith("    record_format: 1\n")), IsEmpty());
  EXPECT_THAT(ErrorsOf(RedisWith("    record_format: 2\n")),
              ElementsAre(ErrorAt("cache.redis.record_format",
                                  "this release writes formats up to 1 only. First bring every "
                                  "replica to a release that reads the newer one")));
  EXPECT_THAT(ErrorsOf(RedisWith("    record_format: 0\n")),
              ElementsAre(ErrorAt("cache.redis.record_format", "")));
}

}  // namespace
}  // namespace tokensvc
