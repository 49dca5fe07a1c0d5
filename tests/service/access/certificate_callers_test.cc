// SPDX-License-Identifier: Apache-2.0
#include "service/access/certificate_callers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/access/certificate_identity.h"
#include "tests/service/access/certificate_testing.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

using testing::ClientAuthority;
using testing::ClientSpec;
using testing::FakeClock;
using testing::Named;
using testing::Spiffe;

constexpr char kWorker[] = "spiffe://prod.example/ns/orders/worker";

class CertificateCallersTest : public ::testing::Test {
 protected:
  CertificateCallersTest() { EXPECT_TRUE(callers_.Trust(authority_.Pem()).ok()); }

  /// The caller's id, or why there is none.
  std::string Who(const std::string& leaf, const std::string& chain = "") const {
    const auto caller = callers_.Identify(leaf, chain);
    return caller.ok() ? (*caller)->id
                       : absl::StrCat("refused: ", CertificateRefusalName(caller.error()));
  }
  std::string WhoIs(const ClientSpec& spec) const { return Who(authority_.Issue(spec)); }

  FakeClock clock_;
  ClientAuthority authority_{"Clients"};
  CertificateCallers callers_{clock_};
};

TEST_F(CertificateCallersTest, KnowsCallersBySpiffeIdThenUriThenDnsName) {
  EXPECT_EQ(WhoIs(Named({{GEN_DNS, "a.example"}, {GEN_URI, kWorker}})), kWorker);
  EXPECT_EQ(WhoIs(Named({{GEN_DNS, "a.example"}, {GEN_URI, "urn:b:1"}, {GEN_URI, "urn:b:2"}})),
            "uri:urn:b:1");
  EXPECT_EQ(WhoIs(Named({{GEN_DNS, "Worker.Internal"}, {GEN_DNS, "b.example"}})),
            "dns:worker.internal");
}

TEST_F(CertificateCallersTest, RefusesCertificatesThatNameNobodyOrTwo) {
  EXPECT_EQ(WhoIs(Named({})), "refused: no_identity");
  EXPECT_EQ(WhoIs(Named({{GEN_EMAIL, "a@b.example"}})), "refused: no_identity");
  EXPECT_EQ(WhoIs(Named({{GEN_URI, kWorker}, {GEN_URI, "spiffe://prod.example/other"}})),
            "refused: many_ids");
  EXPECT_EQ(WhoIs(Named({{GEN_URI, "urn:a"}, {GEN_URI, kWorker}})), "refused: many_ids");
  EXPECT_EQ(WhoIs(Named({{GEN_URI, kWorker}, {GEN_URI, "SPIFFE://prod.example/other"}})),
            "refused: many_ids");
}

TEST_F(CertificateCallersTest, RefusesNamesThatAreNone) {
  using std::string_literals::operator""s;
  EXPECT_EQ(WhoIs(Named({{GEN_URI, "spiffe://prod.example/a\0b"s}})), "refused: spiffe_id");
  EXPECT_EQ(WhoIs(Named({{GEN_URI, "urn:a\0b"s}})), "refused: malformed");
  EXPECT_EQ(WhoIs(Named({{GEN_DNS, "good.example\0.evil.example"s}})), "refused: malformed");
  EXPECT_EQ(WhoIs(Named({{GEN_DNS, "*.example.com"}})), "refused: malformed");
  EXPECT_EQ(WhoIs(Named({{GEN_DNS, ""}})), "refused: malformed");
  EXPECT_EQ(WhoIs(Named({{GEN_URI, ""}})), "refused: malformed");
  EXPECT_EQ(WhoIs(Named({{GEN_URI, "no scheme"}})), "refused: malformed");
  EXPECT_EQ(WhoIs(Named({{GEN_URI, "urn:" + std::string(2045, 'a')}})), "refused: malformed");
  EXPECT_EQ(WhoIs(Named({{GEN_URI, "urn:a\nb"}})), "refused: malformed");
}

TEST(WorkloadSpiffeId, FollowsTheGrammar) {
  const std::string longest = "spiffe://a/" + std::string(kMaxCertificateIdBytes - 11, 'p');
  for (const std::string& id : {std::string(kWorker), std::string("spiffe://1.a_b-c/A.b_c-9/..."),
                                "spiffe://" + std::string(255, 'd') + "/p", longest}) {
    EXPECT_TRUE(IsWorkloadSpiffeId(id)) << id;
  }
  for (const std::string& id :
       {std::string("spiffe://prod.example"), std::string("spiffe://prod.example/"),
        std::string("spiffe:///path"), std::string("spiffe:prod.example/a"),
        std::string("SPIFFE://prod.example/a"), std::string("spiffe://Prod.example/a"),
        std::string("spiffe://prod.example:443/a"), std::string("spiffe://user@prod.example/a"),
        std::string("spiffe://prod.example/a//b"), std::string("spiffe://prod.example/a/"),
        std::string("spiffe://prod.example/./a"), std::string("spiffe://prod.example/a/.."),
        std::string("spiffe://prod.example/a%20b"), std::string("spiffe://prod.example/a?q"),
        std::string("spiffe://prod.example/a#f"), std::string("spiffe://prod.example/*"),
        "spiffe://" + std::string(256, 'd') + "/p", longest + "p"}) {
    EXPECT_FALSE(IsWorkloadSpiffeId(id)) << id;
  }
}

TEST_F(CertificateCallersTest, RefusesWhoMaySignOthers) {
  ClientSpec authority = Spiffe(kWorker);
  authority.basic_constraints = "critical,CA:TRUE";
  EXPECT_EQ(WhoIs(authority), "refused: may_sign_others");
  ClientSpec signer = Spiffe(kWorker);
  signer.key_usage = "digitalSignature,cRLSign";
  EXPECT_EQ(WhoIs(signer), "refused: may_sign_others");
}

TEST_F(CertificateCallersTest, RefusesWhomNobodyTrustedSigned) {
  const ClientAuthority other("Others");
  const ClientAuthority impostor("Clients");
  EXPECT_EQ(Who(other.Issue(Spiffe(kWorker))), "refused: untrusted");
  EXPECT_EQ(Who(other.Issue(Spiffe(kWorker)), other.Pem()), "refused: untrusted")
      << "a peer's own authority is no reason to trust it";
  EXPECT_EQ(Who(impostor.Issue(Spiffe(kWorker))), "refused: untrusted");
  ClientSpec server = Spiffe(kWorker);
  server.extended_key_usage = "serverAuth";
  EXPECT_EQ(WhoIs(server), "refused: untrusted");
  const CertificateCallers nobody(clock_);
  EXPECT_FALSE(nobody.Identify(authority_.Issue(Spiffe(kWorker)), "").ok());
}

TEST_F(CertificateCallersTest, RefusesWhatCannotBeRead) {
  const std::string good = authority_.Issue(Spiffe(kWorker));
  EXPECT_EQ(Who(""), "refused: malformed");
  EXPECT_EQ(Who("no certificate"), "refused: malformed");
  EXPECT_EQ(Who(good + good), "refused: malformed");
  EXPECT_EQ(Who(good.substr(0, good.size() / 2)), "refused: malformed");
  EXPECT_EQ(Who(good, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "refused: malformed");
  EXPECT_EQ(Who(std::string(65 << 10, 'a')), "refused: malformed");
  EXPECT_EQ(Who(good, std::string(257 << 10, 'a')), "refused: malformed");
  EXPECT_EQ(Who(good), kWorker);
}

TEST_F(CertificateCallersTest, IntermediatesCountWhetherShownOrTrusted) {
  const ClientAuthority middle("Middle", &authority_);
  const std::string leaf = middle.Issue(Spiffe(kWorker));
  EXPECT_EQ(Who(leaf), "refused: untrusted");
  EXPECT_EQ(Who(leaf, leaf + middle.Pem()), kWorker);
  ASSERT_TRUE(callers_.Trust(middle.Pem()).ok());
  EXPECT_EQ(Who(leaf), kWorker);
}

TEST_F(CertificateCallersTest, TimesAreLookedAtOnEveryCall) {
  ClientSpec spec = Spiffe(kWorker);
  spec.not_before = clock_.Now() + absl::Minutes(1);
  spec.not_after = clock_.Now() + absl::Minutes(2);
  const std::string leaf = authority_.Issue(spec);
  EXPECT_EQ(Who(leaf), "refused: not_yet_valid");
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Who(leaf), kWorker);
  EXPECT_EQ(callers_.remembered(), 1u);
  clock_.Advance(absl::Seconds(59));
  EXPECT_EQ(Who(leaf), kWorker);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Who(leaf), "refused: expired");
  clock_.JumpWall(absl::Minutes(-2));
  EXPECT_EQ(Who(leaf), "refused: not_yet_valid");
}

TEST_F(CertificateCallersTest, AnExpiredIntermediateEndsWhatItSigned) {
  const ClientAuthority middle("Middle", &authority_, clock_.Now() + absl::Minutes(1));
  const std::string leaf = middle.Issue(Spiffe(kWorker));
  EXPECT_EQ(Who(leaf, middle.Pem()), kWorker);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Who(leaf, middle.Pem()), "refused: expired");
}

TEST_F(CertificateCallersTest, ARemovedAuthorityEndsWhatWasVerified) {
  const std::string leaf = authority_.Issue(Spiffe(kWorker));
  EXPECT_EQ(Who(leaf), kWorker);
  const ClientAuthority next("Next");
  ASSERT_TRUE(callers_.Trust(authority_.Pem() + next.Pem()).ok());
  EXPECT_EQ(callers_.remembered(), 0u);
  EXPECT_EQ(Who(leaf), kWorker);
  EXPECT_EQ(Who(next.Issue(Spiffe(kWorker))), kWorker);
  ASSERT_TRUE(callers_.Trust(next.Pem()).ok());
  EXPECT_EQ(Who(leaf), "refused: untrusted");
}

TEST_F(CertificateCallersTest, ABadBundleLeavesTheOldOneInForce) {
  const std::string leaf = authority_.Issue(Spiffe(kWorker));
  const std::string good = authority_.Pem();
  for (const std::string& bad :
       {std::string(), std::string("garbage"), good.substr(0, good.size() / 2),
        good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    EXPECT_FALSE(callers_.Trust(bad).ok());
    EXPECT_EQ(Who(leaf), kWorker);
  }
}

TEST_F(CertificateCallersTest, RemembersOnlyWhatIsGoodAndWithinItsBounds) {
  CertificateCallers few(clock_, {16, std::size_t{1} << 20});
  CertificateCallers small(clock_, {1 << 20, std::size_t{32} << 10});
  ASSERT_TRUE(few.Trust(authority_.Pem()).ok());
  ASSERT_TRUE(small.Trust(authority_.Pem()).ok());
  for (int i = 0; i < 200; ++i) {
    const std::string leaf = authority_.Issue(Spiffe(absl::StrCat("spiffe://a/", i)));
    ASSERT_TRUE(few.Identify(leaf, "").ok());
    ASSERT_TRUE(small.Identify(leaf, "").ok());
    EXPECT_EQ(WhoIs(Named({})), "refused: no_identity");
  }
  EXPECT_LE(few.remembered(), 16u);
  EXPECT_GT(few.remembered(), 8u);
  EXPECT_LE(small.remembered_bytes(), std::size_t{32} << 10);
  EXPECT_GT(small.remembered_bytes(), std::size_t{8} << 10);
  EXPECT_EQ(callers_.remembered(), 0u);
}

TEST_F(CertificateCallersTest, ThreadsSeeEachTrustWholeWhileItIsSwapped) {
  const ClientAuthority other("Others");
  const std::string always = authority_.Issue(Spiffe("spiffe://a/always"));
  const std::string sometimes = other.Issue(Spiffe("spiffe://a/sometimes"));
  const std::string never = ClientAuthority("Nobody").Issue(Spiffe("spiffe://a/never"));
  // Odd while the others are trusted for certain, so that a call that starts and ends within one
  // state can be judged.
  std::atomic<int> state{0};
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, judged{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!done.load()) {
        if (!callers_.Identify(always, "").ok()) ++wrong;
        if (callers_.Identify(never, "").ok()) ++wrong;
        const int before = state.load();
        const bool passed = callers_.Identify(sometimes, "").ok();
        if (before < 0 || state.load() != before) continue;
        ++judged;
        if (passed != (before % 2 == 1)) ++wrong;
      }
    });
  }
  for (int i = 1; i <= 40; ++i) {
    state = -1;
    EXPECT_TRUE(callers_.Trust(authority_.Pem() + (i % 2 == 1 ? other.Pem() : "")).ok());
    EXPECT_FALSE(callers_.Trust("garbage").ok());
    state = i;
    // Until somebody judged this state.
    for (const int was = judged; judged.load() < was + 4;) std::this_thread::yield();
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace tokensvc
