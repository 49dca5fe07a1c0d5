// SPDX-License-Identifier: Apache-2.0
// Certificates, certification authorities, JWK sets and the policy are swapped while callers call:
// good ones and garbage. What ought to pass passes throughout, and what ought not never does. The
// service is a process of its own, which finds the swaps on disk as it does in production.
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/integration/cc/access_fixture.h"
#include "tests/integration/cc/child_replica.h"
#include "tests/service/jose/jwt_testing.h"

namespace tokensvc::testing {
namespace {

using grpc::StatusCode;

/// Calls one after the other, over a new connection every now and then, and counts what comes back.
class SteadyCaller {
 public:
  explicit SteadyCaller(std::function<Peer()> connect)
      : connect_(std::move(connect)), thread_([this] { Run(); }) {}
  ~SteadyCaller() { Stop(); }

  /// What came back; no call begins after it.
  std::map<StatusCode, long> Stop() {
    ending_.store(true);
    if (thread_.joinable()) thread_.join();
    return counts_;
  }
  void AwaitCalls(long count) const {
    const long until = ended_.load() + count;
    while (ended_.load() < until) absl::SleepFor(absl::Milliseconds(1));
  }

 private:
  static constexpr int kCallsPerConnection = 25;

  void Run() {
    Peer peer;
    for (int i = 0; !ending_.load(); ++i) {
      if (i % kCallsPerConnection == 0) peer = connect_();
      const Rpc rpc = kRpcs[static_cast<std::size_t>(i) % kRpcs.size()];
      ++counts_[AccessFixture::CodeOf(peer, rpc)];
      ended_.fetch_add(1);
    }
  }

  const std::function<Peer()> connect_;
  std::atomic<bool> ending_{false};
  std::atomic<long> ended_{0};
  std::map<StatusCode, long> counts_;  // of the thread, until it has ended
  std::thread thread_;
};

std::string RuleFor(const std::string& callers) {
  return absl::StrCat(
      "  - {name: some, callers: [", callers,
      "], registrations: [orders],\n     tenants: [\"*\"], grants: [\"*\"], scopes: [\"*\"]}\n");
}

class IdentitySwapTest : public AccessFixture {
 protected:
  static constexpr char kSteady[] = "\"spiffe://prod.example/steady\", \"jwt:main:steady\"";

  void StartReplica() {
    StartAuthority();
    WriteFile("policy.yaml", "rules:\n" + RuleFor(kSteady));
    replica_ = std::make_unique<ChildReplica>(
        dir_, "replica",
        ConfigurationWithPolicy(absl::StrCat("policy_file: \"", Path("policy.yaml"), "\"\n")));
    proxy_ = Certificate(*trusted_, "proxy", "DNS:proxy.internal");
  }

  Peer Mesh(const std::string& name, const CertificateFiles& files) const {
    return {name, ConnectTo(replica_->AddressOf("mesh"), &files), std::nullopt};
  }
  Peer Gateway(const std::string& name, const std::string& jwt) const {
    return {name, ConnectTo(replica_->AddressOf("gateway"), &proxy_), jwt};
  }
  CertificateFiles Spiffe(TestCertificates& authority, const std::string& name) {
    return Certificate(authority, name, "URI:spiffe://prod.example/" + name);
  }

  /// Waits until calls of new connections are answered with `expected`; notes how long that took.
  void AwaitAnswer(const std::string& what, const std::function<Peer()>& connect,
                   StatusCode expected) {
    const absl::Time start = absl::Now();
    const absl::Time end = start + absl::Seconds(60);
    StatusCode last = StatusCode::UNKNOWN;
    while (absl::Now() < end && (last = CodeOf(connect(), Rpc::kAcquire)) != expected) {
      absl::SleepFor(absl::Milliseconds(20));
    }
    EXPECT_EQ(last, expected) << what;
    const absl::Duration took = absl::Now() - start;
    RecordProperty(what, absl::FormatDuration(took));
    std::cout << "in force after " << absl::FormatDuration(took) << ": " << what << "\n";
  }
  /// From here on it is the answer on every RPC.
  static void ExpectAlways(const std::function<Peer()>& connect, StatusCode expected) {
    for (int i = 0; i < 3; ++i) {
      const Peer peer = connect();
      for (const Rpc rpc : kRpcs) EXPECT_EQ(CodeOf(peer, rpc), expected) << RpcName(rpc);
    }
  }
  void AwaitLog(const std::string& event, std::size_t count) const {
    const absl::Time end = absl::Now() + absl::Seconds(60);
    while (absl::Now() < end && replica_->LogCount(event) < count) {
      absl::SleepFor(absl::Milliseconds(20));
    }
    EXPECT_GE(replica_->LogCount(event), count) << event << "\n" << replica_->Log();
  }
  static void ExpectOnly(StatusCode expected, SteadyCaller& caller) {
    for (const auto& [code, count] : caller.Stop()) {
      EXPECT_EQ(code, expected) << count << " calls";
    }
  }

  std::unique_ptr<ChildReplica> replica_;
  CertificateFiles proxy_;
};

TEST_F(IdentitySwapTest, PoliciesAreSwappedUnderLoad) {
  StartReplica();
  const CertificateFiles steady_files = Spiffe(*trusted_, "steady");
  const CertificateFiles guest_files = Spiffe(*trusted_, "guest");
  const CertificateFiles never_files = Spiffe(*trusted_, "never");
  const auto guest = [&] { return Mesh("guest", guest_files); };
  ASSERT_EQ(CodeOf(Mesh("steady", steady_files), Rpc::kAcquire), StatusCode::OK);
  SteadyCaller steady([&] { return Mesh("steady", steady_files); });
  SteadyCaller never([&] { return Mesh("never", never_files); });

  const std::string with_guest = absl::StrCat(kSteady, ", \"spiffe://prod.example/guest\"");
  for (int round = 0; round < 2; ++round) {
    ExpectAlways(guest, StatusCode::PERMISSION_DENIED);
    WriteFile("policy.yaml", "rules:\n" + RuleFor(with_guest));
    AwaitAnswer("a rule that was added", guest, StatusCode::OK);
    ExpectAlways(guest, StatusCode::OK);

    const std::size_t refused = replica_->LogCount("configuration_refused");
    WriteFile("policy.yaml", "rules: [{name: garbage, callers: [nobody]");
    AwaitLog("configuration_refused", refused + 1);
    ExpectAlways(guest, StatusCode::OK);

    WriteFile("policy.yaml", "rules:\n" + RuleFor(kSteady));
    AwaitAnswer("a rule that was removed", guest, StatusCode::PERMISSION_DENIED);
  }
  steady.AwaitCalls(30);
  never.AwaitCalls(30);
  ExpectOnly(StatusCode::OK, steady);
  ExpectOnly(StatusCode::PERMISSION_DENIED, never);
}

TEST_F(IdentitySwapTest, KeysOfAnIssuerAreSwappedUnderLoad) {
  StartReplica();
  const auto set = [](std::vector<Json> keys) { return JwkSetText(keys); };
  const Json ec = JwkOf(EcKey(), "ec");
  const Json next = JwkOf(RsaKey(1), "next");
  WriteFile("issuer.json", set({ec}));
  const std::string by_ec = GoodToken(EcKey(), "ec", ClaimsOf("steady"));
  const std::string by_next = GoodToken(RsaKey(1), "next", ClaimsOf("steady"));
  const std::string forged = GoodToken(RsaKey(0), "next", ClaimsOf("steady"));
  const auto old_key = [&] { return Gateway("the old key", by_ec); };
  const auto new_key = [&] { return Gateway("the new key", by_next); };
  ASSERT_EQ(CodeOf(old_key(), Rpc::kAcquire), StatusCode::OK);
  auto before = std::make_unique<SteadyCaller>(old_key);
  SteadyCaller forger([&] { return Gateway("forged", forged); });

  AwaitAnswer("no key yet", new_key, StatusCode::UNAUTHENTICATED);
  WriteFile("issuer.json", "{\"keys\": [");
  AwaitLog("issuer_keys_failed", 1);
  ExpectAlways(old_key, StatusCode::OK);
  WriteFile("issuer.json", set({ec, next}));
  AwaitAnswer("a key that was added", new_key, StatusCode::OK);
  SteadyCaller after(new_key);
  ExpectAlways(old_key, StatusCode::OK);
  ExpectOnly(StatusCode::OK, *before);
  WriteFile("issuer.json", set({next}));
  AwaitAnswer("a key that was removed", old_key, StatusCode::UNAUTHENTICATED);
  ExpectAlways(old_key, StatusCode::UNAUTHENTICATED);
  WriteFile("issuer.json", "garbage");
  AwaitLog("issuer_keys_failed", 2);
  ExpectAlways(old_key, StatusCode::UNAUTHENTICATED);
  after.AwaitCalls(30);
  ExpectOnly(StatusCode::OK, after);
  ExpectOnly(StatusCode::UNAUTHENTICATED, forger);
}

TEST_F(IdentitySwapTest, CertificatesAndTheirAuthoritiesAreSwappedUnderLoad) {
  StartReplica();
  const auto read = [](const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string trusted_ca = read(trusted_->ca_file());
  const std::string strange_ca = read(strange_->ca_file());
  const CertificateFiles old_files = Spiffe(*trusted_, "steady");
  const CertificateFiles new_files = Spiffe(*strange_, "steady");
  const auto of_old = [&] { return Mesh("of the old authority", old_files); };
  const auto of_new = [&] { return Mesh("of the new authority", new_files); };
  ASSERT_EQ(CodeOf(of_old(), Rpc::kAcquire), StatusCode::OK);
  const Peer open = of_old();
  ASSERT_EQ(CodeOf(open, Rpc::kAcquire), StatusCode::OK);
  SteadyCaller before(of_old);

  // The listener's own certificate.
  const CertificateFiles second = *trusted_->IssueServer("second");
  WriteFile("server.pem", "garbage");
  AwaitLog("listener_certificate_refused", 1);
  WriteFile("server.pem", read(second.certificate));
  WriteFile("server.key", read(second.private_key));
  AwaitLog("listener_certificate_reloaded", 1);
  // Who may sign the callers'.
  ExpectAlways(of_new, StatusCode::UNAVAILABLE);
  WriteFile("clients.pem", "-----BEGIN CERTIFICATE-----\ngarbage");
  AwaitLog("listener_certificate_refused", 2);
  ExpectAlways(of_old, StatusCode::OK);
  WriteFile("clients.pem", trusted_ca + strange_ca);
  AwaitAnswer("an authority that was added", of_new, StatusCode::OK);
  SteadyCaller after(of_new);
  ExpectAlways(of_old, StatusCode::OK);
  ExpectOnly(StatusCode::OK, before);
  WriteFile("clients.pem", strange_ca);
  AwaitAnswer(
      "an authority that was removed, on an open connection", [&] { return open; },
      StatusCode::UNAUTHENTICATED);
  AwaitAnswer("an authority that was removed, in a handshake", of_old, StatusCode::UNAVAILABLE);
  ExpectAlways(of_old, StatusCode::UNAVAILABLE);
  after.AwaitCalls(30);
  ExpectOnly(StatusCode::OK, after);
}

}  // namespace
}  // namespace tokensvc::testing
