// SPDX-License-Identifier: Apache-2.0
// The records of calls, and what becomes of a call whose record is not taken. That handlers make
// one of each decision is tests/integration/cc/audit_test.cc's to prove.
#include "service/rpc/call_audit.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "service/telemetry/stored_audit_record.h"
#include "tests/testing/fake_random.h"

namespace tokensvc {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1767323045);

class CapturingTrail final : public AuditTrail {
 public:
  explicit CapturingTrail(bool fail_closed) : fail_closed_(fail_closed) {}
  bool fail_closed() const override { return fail_closed_; }
  void Write(const AuditRecord& record) override { records.emplace_back(record); }
  void Write(const AuditRecord& record, Acknowledged acknowledged) override {
    records.emplace_back(record);
    waiting.push_back(std::move(acknowledged));
  }

  std::vector<StoredAuditRecord> records;
  std::vector<Acknowledged> waiting;

 private:
  const bool fail_closed_;
};

class CallAuditTest : public ::testing::Test {
 protected:
  CallAuditTest() {
    PolicySpec spec;
    spec.rules.push_back({"all", {"*"}, {"*"}, {"*"}, {"*"}, {"*"}, true, true});
    policy_ = *CompiledPolicy::Compile(std::move(spec), {{"orders", true}});
    verdict_.policy = policy_.get();
    asked_.tenant = "contoso.example";
    TokenRecord::Fields fields;
    fields.token = "a-token";
    fields.expires_at = kNow + absl::Hours(1);
    token_.record = TokenRecord::Make(fields);
    token_.found_in = FoundIn::kSharedCache;
  }

  CallAudit::Request Request(const Caller* caller) const {
    return {"AcquireForClient", context_, caller, "orders", "corr-1", kNow};
  }
  std::optional<bool> Issue(const CallAudit& audit) {
    Verdict allowed = verdict_;
    allowed.allowed = true;
    allowed.rule = "all";
    std::optional<bool> recorded;
    audit.Issued(Request(&caller_), allowed, asked_, token_,
                 [&recorded, this](bool r) { recorded_ = recorded = r; });
    return recorded;
  }

  const Caller caller_{"local:tests"};
  grpc::CallbackServerContext context_;
  std::shared_ptr<const CompiledPolicy> policy_;
  Verdict verdict_;
  AppTokenRequest asked_;
  AppToken token_;
  testing::FakeRandom random_;
  TokenFingerprinter fingerprinter_{random_};
  std::optional<bool> recorded_;
};

TEST_F(CallAuditTest, ATokenIsNamedByItsFingerprint) {
  CapturingTrail trail(false);
  const CallAudit audit("mesh", &trail, &fingerprinter_);
  EXPECT_EQ(Issue(audit), true);
  ASSERT_EQ(trail.records.size(), 1u);
  const AuditRecord& record = *trail.records[0];
  EXPECT_EQ(record.decision, AuditDecision::kAllow);
  EXPECT_EQ(record.time, kNow);
  EXPECT_EQ(record.caller, "local:tests");
  EXPECT_EQ(record.listener, "mesh");
  EXPECT_EQ(record.method, "AcquireForClient");
  EXPECT_EQ(record.registration, "orders");
  EXPECT_EQ(record.tenant, "contoso.example");
  EXPECT_EQ(record.grant, "client_credentials");
  EXPECT_EQ(record.rule, "all");
  EXPECT_EQ(record.policy_version, policy_->version());
  EXPECT_EQ(record.source, "shared_cache");
  EXPECT_EQ(record.token_fingerprint, fingerprinter_.Fingerprint("a-token"));
  EXPECT_EQ(record.expires_at, kNow + absl::Hours(1));
  EXPECT_EQ(record.correlation_id, "corr-1");
  EXPECT_TRUE(record.reason.empty());
}

TEST_F(CallAuditTest, ADenialSaysWhatTheCallerIsNotTold) {
  CapturingTrail trail(false);
  const CallAudit audit("mesh", &trail, &fingerprinter_);
  Error error;
  error.reason = Reason::kPolicyDenied;
  error.message = "text for the caller";
  verdict_.denied_for = "tenant";
  verdict_.tenant = "contoso.example";
  verdict_.scopes = "api://a/.default";
  bool recorded = false;
  audit.Failed(Request(nullptr), verdict_, error, [&recorded](bool r) { recorded = r; });
  EXPECT_TRUE(recorded);
  ASSERT_EQ(trail.records.size(), 1u);
  const AuditRecord& record = *trail.records[0];
  EXPECT_EQ(record.decision, AuditDecision::kDeny);
  EXPECT_EQ(record.reason, "POLICY_DENIED");
  EXPECT_EQ(record.cause, "tenant");
  EXPECT_EQ(record.caller, "");
  EXPECT_EQ(record.tenant, "contoso.example");
  EXPECT_EQ(record.scopes, "api://a/.default");
  EXPECT_EQ(record.source, "");
  EXPECT_EQ(record.token_fingerprint, 0u);
}

TEST_F(CallAuditTest, ACallWaitsForItsRecordWhereTheLogFailsClosed) {
  CapturingTrail trail(true);
  const CallAudit audit("mesh", &trail, &fingerprinter_);
  for (const bool taken : {true, false}) {
    recorded_.reset();
    Verdict allowed = verdict_;
    allowed.allowed = true;
    audit.Issued(Request(&caller_), allowed, asked_, token_,
                 [this](bool recorded) { recorded_ = recorded; });
    EXPECT_FALSE(recorded_.has_value());
    trail.waiting.back()(taken ? absl::OkStatus() : absl::UnavailableError("no"));
    EXPECT_EQ(recorded_, taken);
  }
  EXPECT_EQ(trail.records.size(), 2u);
}

TEST_F(CallAuditTest, WithoutATrailCallsGoOn) {
  NullAuditTrail none;
  EXPECT_EQ(Issue(CallAudit("mesh", nullptr, nullptr)), true);
  EXPECT_EQ(Issue(CallAudit("mesh", &none, nullptr)), true);
  EXPECT_EQ(AuditUnavailable().code, absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace tokensvc
