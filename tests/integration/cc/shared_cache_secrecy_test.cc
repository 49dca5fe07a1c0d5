// SPDX-License-Identifier: Apache-2.0
// What Redis sees of the service: over TLS, as the user of deploy/redis/users.acl, which commands
// it is sent and what it learns from them.
#include <fstream>
#include <future>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "tests/authority/test_certificates.h"
#include "tests/cache/redis/least_privilege.h"
#include "tests/integration/cc/shared_cache_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class SharedCacheSecrecyTest : public SharedCacheFixture {
 protected:
  SharedCacheSecrecyTest() {
    certificates_ = *TestCertificates::Create(dir_);
    const CertificateFiles server = *certificates_->IssueServer("redis");
    RedisServer::Options options;
    options.ca_file = certificates_->ca_file();
    options.certificate_file = server.certificate;
    options.key_file = server.private_key;
    options.acl = LeastPrivilegeAcl();
    StartRedis(std::move(options));
    WriteFile("redis-password", kServicePassword);
  }

  std::unique_ptr<ServiceReplica> StartTlsReplica(const std::string& name) {
    const CertificateFiles own = *certificates_->IssueClient(name);
    const std::string more = absl::StrCat(
        "    username: tokensvc\n    password: \"file:", Path("redis-password"),
        "\"\n    tls: {ca_file: \"", certificates_->ca_file(), "\", certificate_file: \"",
        own.certificate, "\", private_key_file: \"", own.private_key, "\"}\n");
    return StartReplicaWith(Configuration(CacheBlock(redis_->tls_port(), {}, more)));
  }

  /// Where the service's connections come from.
  std::set<std::string> ServiceConnections() const {
    std::set<std::string> addresses;
    const std::string clients = redis_->Command({"CLIENT", "LIST"});
    for (const absl::string_view client : absl::StrSplit(clients, '\n', absl::SkipEmpty())) {
      std::string address;
      bool service = false, other = false;
      for (const absl::string_view word : absl::StrSplit(client, ' ')) {
        if (absl::StartsWith(word, "addr=")) address = std::string(word.substr(5));
        if (word == "user=tokensvc") service = true;
        // What listens for purges asks for no token.
        if (word == "name=tokensvc-invalidations") other = true;
      }
      if (service && !other) addresses.insert(address);
    }
    return addresses;
  }

  /// The commands that came from `addresses` while `work` ran, except for what a replica asks now
  /// and then on its own: the time, and the key check.
  std::vector<std::string> CommandsFrom(const std::set<std::string>& addresses,
                                        const std::function<void()>& work) const {
    std::vector<std::string> commands;
    for (const std::string& line : redis_->Monitor(work)) {
      const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits("] ", 1));
      const std::vector<std::string> from = absl::StrSplit(parts[0], ' ');
      if (addresses.count(from.back()) == 0 || parts.size() < 2) continue;
      if (parts[1] == "\"TIME\"" || absl::StrContains(parts[1], "\"tokensvc:check\"")) continue;
      commands.push_back(parts[1]);
    }
    return commands;
  }

  /// All that can be had out of Redis: every key, every value as it is and as DUMP gives it, and
  /// what it would write to its disk.
  std::string Dump() const {
    EXPECT_EQ(redis_->Command({"CONFIG", "SET", "rdbcompression", "no"}), "OK");
    std::string dump;
    const std::string keys = redis_->Command({"KEYS", "*"});
    for (const absl::string_view key : absl::StrSplit(keys, '\n', absl::SkipEmpty())) {
      absl::StrAppend(&dump, key, "\n", redis_->Command({"GET", std::string(key)}), "\n",
                      redis_->Command({"DUMP", std::string(key)}), "\n");
    }
    EXPECT_EQ(redis_->Command({"SAVE"}), "OK");
    std::ifstream file(redis_->directory() + "/dump.rdb", std::ios::binary);
    const std::string disk(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(disk, HasSubstr("tokensvc:v:"));
    return dump + disk;
  }

  std::unique_ptr<TestCertificates> certificates_;
};

/// `text` as it is, in hexadecimal digits, and in both alphabets of base64, wherever in a longer
/// text it may stand.
std::vector<std::string> Disguises(const std::string& text) {
  std::vector<std::string> all = {text, absl::BytesToHexString(text),
                                  absl::AsciiStrToUpper(absl::BytesToHexString(text))};
  for (std::size_t shift = 0; shift < 3; ++shift) {
    const std::string shifted = std::string(shift, 'x') + text;
    const std::size_t first = (shift * 8 + 5) / 6, end = shifted.size() * 8 / 6;
    all.push_back(absl::Base64Escape(shifted).substr(first, end - first));
    all.push_back(absl::WebSafeBase64Escape(shifted).substr(first, end - first));
  }
  return all;
}

TEST(DisguisesTest, AreFoundInLongerTexts) {
  for (const char* before : {"", "1", "12", "123"}) {
    const std::string longer = absl::StrCat(before, "needle", "after");
    for (const std::string& encoded :
         {longer, absl::Base64Escape(longer), absl::BytesToHexString(longer)}) {
      bool found = false;
      for (const std::string& disguise : Disguises("needle")) {
        found |= absl::StrContains(encoded, disguise);
      }
      EXPECT_TRUE(found) << encoded;
    }
  }
}

TEST_F(SharedCacheSecrecyTest, ReplicasShareOverTlsWithNoMoreThanTheDocumentedRights) {
  const auto a = StartTlsReplica("a"), b = StartTlsReplica("b");
  const std::string token = a->MustAcquire(Request()).access_token().value();
  const v1::AcquireForClientResponse second = b->MustAcquire(Request());
  EXPECT_EQ(second.source(), v1::TOKEN_SOURCE_SHARED_CACHE);
  EXPECT_EQ(second.access_token().value(), token);
  EXPECT_EQ(TokenRequests(), 1);
  auto forced = Request();
  forced.set_force_refresh(true);
  b->MustAcquire(forced);
  EXPECT_EQ(redis_->Command({"ACL", "LOG"}), "") << "nothing was refused";
  EXPECT_EQ(a->logger.Count("redis_command_refused"), 0u);
}

TEST_F(SharedCacheSecrecyTest, RedisLearnsNothingFromWhatItKeeps) {
  const auto a = StartTlsReplica("a"), b = StartTlsReplica("b");
  std::vector<std::string> told = {kTenant,  "contoso.example", "orders-service", "orders",
                                   "api://", "orders-api",      ".default",       "Orders.Read",
                                   "local",  kSecretCanary,     kServicePassword};
  for (const char* tenant : {kTenant, "contoso.example"}) {
    auto request = Request();
    request.set_tenant(tenant);
    const std::string token = a->MustAcquire(request).access_token().value();
    EXPECT_EQ(b->MustAcquire(request).access_token().value(), token);
    told.push_back(token);
    const std::vector<std::string> segments = absl::StrSplit(token, '.');
    ASSERT_EQ(segments.size(), 3u);
    for (const std::string& segment : segments) {
      std::string decoded;
      ASSERT_TRUE(absl::WebSafeBase64Unescape(segment, &decoded));
      told.insert(told.end(), {segment, decoded, decoded.substr(decoded.size() / 2)});
    }
  }
  PurgeTarget target;
  target.kind = PurgeTarget::Kind::kTenant;
  target.authority = "dev";
  target.tenant = "contoso.example";
  std::promise<bool> purged;
  a->server->purger().Purge(target, BootTime::max(), [&purged](const Result<PurgeReport>& report) {
    purged.set_value(report.ok() && report->shared);
  });
  EXPECT_TRUE(purged.get_future().get());
  const std::string dump = Dump();
  EXPECT_THAT(dump, HasSubstr("tokensvc:epochs"));
  for (const std::string& text : told) {
    for (const std::string& disguise : Disguises(text)) {
      EXPECT_THAT(dump, Not(HasSubstr(disguise))) << text;
    }
  }
}

TEST_F(SharedCacheSecrecyTest, EveryWayToATokenSendsTheCommandsThatTheDocumentationCounts) {
  const auto a = StartTlsReplica("a");
  const std::set<std::string> of_a = ServiceConnections();
  const auto b = StartTlsReplica("b");
  std::set<std::string> of_b = ServiceConnections();
  for (const std::string& address : of_a) of_b.erase(address);
  ASSERT_EQ(of_a.size(), 1u);
  ASSERT_EQ(of_b.size(), 1u);

  // Redis knows the scripts from the first time on.
  EXPECT_THAT(CommandsFrom(of_a, [&] { a->MustAcquire(Request("api://first/.default")); }),
              ElementsAre(StartsWith("\"GET\" \"tokensvc:v:"), StartsWith("\"EVALSHA\""),
                          StartsWith("\"EVALSHA\""), StartsWith("\"EVAL\""), StartsWith("\"EVAL\""),
                          StartsWith("\"EVALSHA\""), StartsWith("\"EVAL\"")));
  EXPECT_THAT(CommandsFrom(of_a, [&] { a->MustAcquire(Request()); }),
              ElementsAre(StartsWith("\"GET\" \"tokensvc:v:"), StartsWith("\"EVALSHA\""),
                          StartsWith("\"EVALSHA\""), StartsWith("\"EVALSHA\"")));
  EXPECT_THAT(
      CommandsFrom(
          of_b,
          [&] { EXPECT_EQ(b->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_SHARED_CACHE); }),
      ElementsAre(StartsWith("\"GET\" \"tokensvc:v:")));
  EXPECT_THAT(
      CommandsFrom(
          of_b,
          [&] { EXPECT_EQ(b->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE); }),
      IsEmpty());
}

}  // namespace
}  // namespace tokensvc::testing
