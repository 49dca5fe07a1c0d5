// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/audit_line.h"

#include <string>

#include "base/json.h"
#include "gtest/gtest.h"
#include "service/telemetry/stored_audit_record.h"

namespace tokensvc {
namespace {

constexpr absl::Time kTime = absl::FromUnixSeconds(1767323045);

std::string LineOf(const AuditRecord& record) {
  std::string line;
  AppendAuditLine(record, "0a1b2c3d", &line);
  return line;
}

TEST(AuditLineTest, HasEveryFieldUnderItsDocumentedName) {
  AuditRecord record;
  record.time = kTime;
  record.until = kTime + absl::Milliseconds(1500);
  record.count = 3;
  record.sequence = 42;
  record.decision = AuditDecision::kAllow;
  record.reason = "AUTHORITY_UNAVAILABLE";
  record.cause = "tenant";
  record.caller = "spiffe://prod.example/ns/orders/sa/api";
  record.listener = "mesh";
  record.method = "AcquireForClient";
  record.registration = "orders";
  record.tenant = "contoso.example";
  record.grant = "client_credentials";
  record.scopes = "a://b/c d://e/f";
  record.rule = "orders-graph";
  record.policy_version = "00112233";
  record.source = "local_cache";
  record.token_fingerprint = 0xab;
  record.expires_at = kTime + absl::Hours(1);
  record.correlation_id = "corr-1";
  record.trace_id = "0af7651916cd43dd8448eb211c80319c";
  record.action = "purge";
  record.target = "tenant contoso.example";
  EXPECT_EQ(LineOf(record),
            "{\"time\":\"2026-01-02T03:04:05.000000Z\",\"run\":\"0a1b2c3d\",\"sequence\":42,"
            "\"decision\":\"allow\",\"reason\":\"AUTHORITY_UNAVAILABLE\",\"cause\":\"tenant\","
            "\"caller\":\"spiffe://prod.example/ns/orders/sa/api\",\"listener\":\"mesh\","
            "\"method\":\"AcquireForClient\",\"action\":\"purge\","
            "\"target\":\"tenant contoso.example\",\"registration\":\"orders\","
            "\"tenant\":\"contoso.example\",\"grant\":\"client_credentials\","
            "\"scopes\":[\"a://b/c\",\"d://e/f\"],\"rule\":\"orders-graph\","
            "\"policy_version\":\"00112233\",\"source\":\"local_cache\","
            "\"token_fingerprint\":\"00000000000000ab\","
            "\"expires_at\":\"2026-01-02T04:04:05.000000Z\",\"correlation_id\":\"corr-1\","
            "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"count\":3,"
            "\"until\":\"2026-01-02T03:04:06.500000Z\"}\n");
}

TEST(AuditLineTest, LeavesOutWhatIsNotKnown) {
  AuditRecord record;
  record.time = kTime;
  record.decision = AuditDecision::kDeny;
  EXPECT_EQ(LineOf(record),
            "{\"time\":\"2026-01-02T03:04:05.000000Z\",\"run\":\"0a1b2c3d\",\"sequence\":0,"
            "\"decision\":\"deny\"}\n");
}

TEST(AuditLineTest, AGapAlwaysSaysHowManyAreMissing) {
  AuditRecord record;
  record.time = record.until = kTime;
  record.decision = AuditDecision::kGap;
  EXPECT_EQ(ParseJsonObject(LineOf(record))->value("count", 0), 1);
}

TEST(AuditLineTest, StaysOneLineOfJsonWhateverACallerIsNamed) {
  AuditRecord record;
  record.time = kTime;
  const std::string caller("spiffe://a/\"}\n{\"decision\":\"allow\"\x00\x1b[2J\xff", 39);
  record.caller = caller;
  const std::string long_target(10'000, 'x');
  record.target = long_target;
  const std::string line = LineOf(record);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_LT(line.size(), 3000u);
  const absl::StatusOr<Json> json = ParseJsonObject(line);
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(StringMember(*json, "decision"), "deny");
}

TEST(StoredAuditRecordTest, OutlivesTheTextsThatItWasMadeOf) {
  AuditRecord record;
  record.time = kTime;
  std::string caller = "local:somebody-with-a-name-that-fits-no-small-string";
  std::string tenant = "contoso.example";
  record.caller = caller;
  record.tenant = tenant;
  StoredAuditRecord stored(record);
  caller.assign(caller.size(), 'x');
  tenant.assign(tenant.size(), 'x');
  const StoredAuditRecord moved = std::move(stored);
  EXPECT_EQ(moved->caller, "local:somebody-with-a-name-that-fits-no-small-string");
  EXPECT_EQ(moved->tenant, "contoso.example");
  EXPECT_GT(moved.MemoryBytes(), sizeof(AuditRecord) + caller.size() + tenant.size());
}

}  // namespace
}  // namespace tokensvc
