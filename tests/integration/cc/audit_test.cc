// SPDX-License-Identifier: Apache-2.0
// What is written about who got which token: with the real server, callers of every kind, and a
// file that fills up or is moved away.
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "service/config/load_config.h"
#include "tests/integration/cc/access_fixture.h"

namespace tokensvc::testing {
namespace {

using grpc::StatusCode;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPolicy[] =
    "policy:\n"
    "  rules:\n"
    "    - {name: orders-rule, callers: [\"spiffe://prod.example/orders\", \"local:operator\"],\n"
    "       registrations: [orders], tenants: [\"11111111-1111-1111-1111-111111111111\"],\n"
    "       grants: [client_credentials], scopes: [\"api://orders-api/.default\"]}\n";

/// No file of this process grows beyond so many bytes while this lives: a full disk.
class FullDisk {
 public:
  explicit FullDisk(std::uintmax_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{static_cast<rlim_t>(bytes), before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

class AuditTest : public AccessFixture {
 protected:
  /// `more` are further keys of `audit`.
  void Start(const std::string& more) {
    StartAuthority();
    StartService(ConfigurationWithPolicy(
        absl::StrCat(kPolicy, "audit: {file: {path: \"", Path("audit.log"), "\"}", more, "}\n")));
  }
  void StartOneRecordEach() { Start(", coalesce_window: 0s"); }
  void StartFailClosed() { Start(", mode: fail_closed"); }

  Peer Operator() {
    return {"operator", grpc::CreateChannel(Address(), grpc::InsecureChannelCredentials()), {}};
  }

  std::string Text(const std::string& name = "audit.log") const {
    std::ostringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }
  std::vector<Json> Records(const std::string& name = "audit.log") const {
    std::vector<Json> records;
    for (const absl::string_view line : absl::StrSplit(Text(name), '\n', absl::SkipEmpty())) {
      const absl::StatusOr<Json> record = ParseJsonObject(line);
      EXPECT_TRUE(record.ok()) << record.status() << ": " << line;
      if (record.ok()) records.push_back(*record);
    }
    return records;
  }
  /// All that was to be written is.
  std::vector<Json> RecordsAtTheEnd() {
    server_.reset();
    return Records();
  }
  static std::string Of(const Json& record, const char* name) {
    return std::string(StringMember(record, name));
  }
};

TEST_F(AuditTest, EveryDecisionOfEveryRpcIsOneRecord) {
  StartOneRecordEach();
  const Peer orders = Workload("orders");
  const Peer stranger = Workload("stranger");
  const Peer nobody = AtGateway("nobody", "no.good.jwt-canary-5d1f");
  for (const Rpc rpc : kRpcs) {
    EXPECT_EQ(CodeOf(orders, rpc), StatusCode::OK);
    EXPECT_EQ(CodeOf(stranger, rpc), StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(CodeOf(nobody, rpc), StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(CodeOf(orders, rpc, {.scope = "api://stock-api/.default"}),
              StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(CodeOf(orders, rpc, {.registration = "not\na name"}), StatusCode::PERMISSION_DENIED);
  }
  std::map<std::string, std::vector<Json>> by_method;
  for (const Json& record : RecordsAtTheEnd()) by_method[Of(record, "method")].push_back(record);
  for (const Rpc rpc : kRpcs) {
    const std::vector<Json>& records = by_method[RpcName(rpc)];
    ASSERT_EQ(records.size(), 5u) << RpcName(rpc);
    const Json& allowed = records[0];
    EXPECT_EQ(Of(allowed, "decision"), "allow");
    EXPECT_EQ(Of(allowed, "caller"), "spiffe://prod.example/orders");
    EXPECT_EQ(Of(allowed, "listener"), "mesh");
    EXPECT_EQ(Of(allowed, "registration"), "orders");
    EXPECT_EQ(Of(allowed, "tenant"), kTenant);
    EXPECT_EQ(Of(allowed, "grant"), "client_credentials");
    EXPECT_EQ(allowed.at("scopes"), Json::array({kResource}));
    EXPECT_EQ(Of(allowed, "rule"), "orders-rule");
    EXPECT_EQ(Of(allowed, "policy_version").size(), 16u);
    EXPECT_EQ(Of(allowed, "source"), rpc == kRpcs[0] ? "authority" : "local_cache");
    EXPECT_EQ(Of(allowed, "token_fingerprint").size(), 16u);
    EXPECT_EQ(Of(allowed, "token_fingerprint"),
              Of(by_method[RpcName(kRpcs[0])][0], "token_fingerprint"));
    EXPECT_FALSE(Of(allowed, "expires_at").empty());
    EXPECT_FALSE(Of(allowed, "correlation_id").empty());
    EXPECT_FALSE(allowed.contains("reason"));

    for (std::size_t i = 1; i < 5; ++i) {
      EXPECT_EQ(Of(records[i], "decision"), "deny");
      EXPECT_FALSE(records[i].contains("source"));
      EXPECT_FALSE(records[i].contains("token_fingerprint"));
    }
    EXPECT_EQ(Of(records[1], "caller"), "spiffe://prod.example/stranger");
    EXPECT_EQ(Of(records[1], "reason"), "POLICY_DENIED");
    EXPECT_EQ(Of(records[1], "cause"), "registration");
    EXPECT_EQ(Of(records[2], "listener"), "gateway");
    EXPECT_EQ(Of(records[2], "reason"), "UNAUTHENTICATED");
    EXPECT_FALSE(Of(records[2], "cause").empty());
    EXPECT_FALSE(records[2].contains("caller"));
    EXPECT_EQ(Of(records[3], "cause"), "scope");
    EXPECT_EQ(Of(records[3], "tenant"), kTenant);
    EXPECT_EQ(records[3].at("scopes"), Json::array({"api://stock-api/.default"}));
    EXPECT_EQ(Of(records[4], "registration"), "(no name)");
    EXPECT_EQ(Of(records[4], "cause"), "unknown_registration");
  }
  const std::string text = Text();
  for (const char* secret : {"jwt-canary", kSecretCanary, "not\\na"}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
}

TEST_F(AuditTest, ShowsNoTokenAndNoCredentialWhateverHappens) {
  StartOneRecordEach();
  auto request = Request();
  request.set_client_claims("{\"access_token\":{\"claims-canary-77\":{\"essential\":true}}}");
  MustAcquire(Request());
  MustAcquire(Request());
  MustFail(request);
  request = Request();
  request.set_claims_challenge("{\"access_token\":{\"challenge-canary-78\":{\"essential\":true}}}");
  MustAcquire(request);
  DevAuthority::Fault fault;
  fault.error = "invalid_client";
  fault.count = 1;
  authority_->AddFault(fault);
  request = Request();
  request.set_force_refresh(true);
  MustFail(request);
  ExpectNoCanary();
  const std::vector<Json> records = RecordsAtTheEnd();
  ASSERT_EQ(records.size(), 5u);
  const std::string text = Text();
  for (const char* canary : {kSecretCanary, kTokenCanary, "claims-canary", "challenge-canary"}) {
    EXPECT_THAT(text, Not(HasSubstr(canary)));
  }
  for (const std::string& token : tokens_) {
    for (const absl::string_view part : absl::StrSplit(token, '.')) {
      EXPECT_THAT(text, Not(HasSubstr(std::string(part))));
    }
  }
  // Allowed by policy, and no token came of it.
  EXPECT_EQ(Of(records[4], "decision"), "allow");
  EXPECT_EQ(Of(records[4], "reason"), "REGISTRATION_MISCONFIGURED");
  EXPECT_FALSE(records[4].contains("source"));
  EXPECT_EQ(records[4].at("scopes"), Json::array({kResource}));
}

TEST_F(AuditTest, CountsIdenticalAllowsTogetherAndTellsTokensApart) {
  Start("");
  for (int i = 0; i < 10; ++i) MustAcquire(Request());
  auto forced = Request();
  forced.set_force_refresh(true);
  MustAcquire(forced);
  MustAcquire(Request());
  std::map<std::string, int> counts;
  std::set<std::string> fingerprints;
  for (const Json& record : RecordsAtTheEnd()) {
    counts[Of(record, "source")] += record.value("count", 1);
    fingerprints.insert(Of(record, "token_fingerprint"));
  }
  EXPECT_EQ(counts, (std::map<std::string, int>{{"authority", 2}, {"local_cache", 10}}));
  EXPECT_EQ(fingerprints.size(), 2u);
}

TEST_F(AuditTest, EveryItemOfABatchHasARecord) {
  StartOneRecordEach();
  v1::BatchAcquireForClientRequest batch;
  *batch.add_requests() = Request();
  *batch.add_requests() = Request("api://stock-api/.default");
  *batch.add_requests() = Request("no scope");
  grpc::ClientContext context;
  v1::BatchAcquireForClientResponse response;
  ASSERT_TRUE(stub_->BatchAcquireForClient(&context, batch, &response).ok());
  std::multiset<std::string> seen;
  for (const Json& record : RecordsAtTheEnd()) {
    seen.insert(Of(record, "decision") + Of(record, "reason"));
  }
  EXPECT_EQ(seen,
            (std::multiset<std::string>{"allow", "denyINVALID_REQUEST", "denyPOLICY_DENIED"}));
}

TEST_F(AuditTest, CarriesTheCallersTrace) {
  StartOneRecordEach();
  grpc::ClientContext context;
  context.AddMetadata("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  v1::AcquireForClientResponse response;
  auto request = Request();
  request.set_correlation_id("corr-1");
  ASSERT_TRUE(stub_->AcquireForClient(&context, request, &response).ok());
  const std::vector<Json> records = RecordsAtTheEnd();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(Of(records[0], "correlation_id"), "corr-1");
  EXPECT_EQ(Of(records[0], "trace_id"), "0af7651916cd43dd8448eb211c80319c");
}

TEST_F(AuditTest, GoesOnInANewFile) {
  StartFailClosed();
  EXPECT_EQ(CodeOf(Operator(), Rpc::kAcquire), StatusCode::OK);
  std::filesystem::rename(Path("audit.log"), Path("audit.log.1"));
  server_->ReopenAuditLog();
  while (logger_.Count("audit_reopened") == 0) CodeOf(Operator(), Rpc::kAcquire);
  const std::size_t before = Records("audit.log.1").size();
  EXPECT_EQ(CodeOf(Workload("stranger"), Rpc::kAcquire), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Records("audit.log.1").size(), before);
  EXPECT_THAT(Text(), HasSubstr("spiffe://prod.example/stranger"));
}

TEST_F(AuditTest, FailClosedAnswersNothingThatIsNotOnTheDisk) {
  StartFailClosed();
  const Peer operator_ = Operator();
  const Peer stranger = Workload("stranger");
  for (const Rpc rpc : kRpcs) {
    ASSERT_EQ(CodeOf(operator_, rpc), StatusCode::OK);
    EXPECT_EQ(Of(Records().back(), "method"), RpcName(rpc)) << "it is there before the answer";
  }
  const std::size_t before = Records().size();
  const std::uintmax_t size = std::filesystem::file_size(Path("audit.log"));
  {
    const FullDisk full(size);
    for (const Rpc rpc : kRpcs) {
      EXPECT_EQ(CodeOf(operator_, rpc), StatusCode::UNAVAILABLE) << RpcName(rpc);
      EXPECT_EQ(CodeOf(stranger, rpc), StatusCode::UNAVAILABLE) << RpcName(rpc);
    }
    const ReadStatus status = MustFail(Request());
    EXPECT_EQ(status.reason, "AUDIT_UNAVAILABLE");
    EXPECT_TRUE(status.retry_after.has_value());
    ExpectNoCanary(status);
    EXPECT_EQ(std::filesystem::file_size(Path("audit.log")), size);
  }
  EXPECT_EQ(CodeOf(operator_, Rpc::kAcquire), StatusCode::OK) << "it mends itself";
  EXPECT_EQ(logger_.Count("audit_failing"), 1u);
  EXPECT_EQ(logger_.Count("audit_working"), 1u);
  int missing = 0;
  const std::vector<Json> records = RecordsAtTheEnd();
  for (const Json& record : records) {
    if (Of(record, "decision") == "gap") missing += record.value("count", 0);
  }
  EXPECT_EQ(missing, 7);
  EXPECT_GT(records.size(), before + 1);
}

TEST_F(AuditTest, FailOpenAnswersThroughAFullDiskAndWritesItAllAfterwards) {
  StartOneRecordEach();
  {
    const FullDisk full(0);
    for (int i = 0; i < 5; ++i) MustAcquire(Request());
    while (logger_.Count("audit_failing") == 0) MustFail(Request("api://stock-api/.default"));
  }
  int allowed = 0;
  for (const Json& record : RecordsAtTheEnd()) allowed += Of(record, "decision") == "allow";
  EXPECT_EQ(allowed, 5);
}

TEST_F(AuditTest, RefusesToStartWithAFileThatEverybodyMayRead) {
  StartAuthority();
  std::ofstream(Path("audit.log")) << "";
  std::filesystem::permissions(Path("audit.log"), std::filesystem::perms(0644));
  auto config = ParseConfig(ConfigurationWithPolicy(
      absl::StrCat(kPolicy, "audit: {file: {path: \"", Path("audit.log"), "\"}}\n")));
  ASSERT_TRUE(config.ok());
  const auto server = Server::Start(*config, clock_, logger_);
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("audit.file.path: "));
}

TEST_F(AuditTest, SaysWhenNobodyAudits) {
  StartWithRules(
      "    - {name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], "
      "grants: [\"*\"], scopes: [\"*\"]}\n");
  EXPECT_EQ(logger_.Count("audit_off"), 1u);
  MustAcquire(Request());
}

}  // namespace
}  // namespace tokensvc::testing
