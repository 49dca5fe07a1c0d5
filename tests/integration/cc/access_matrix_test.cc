// SPDX-License-Identifier: Apache-2.0
// Who may have which token: every RPC, every way to be known or not, hot and cold.
#include <functional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/integration/cc/access_fixture.h"
#include "tests/service/jose/jwt_testing.h"

namespace tokensvc::testing {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kRules[] =
    // `orders` may have one scope of one registration in one tenant.
    "    - {name: orders, callers: [\"spiffe://prod.example/orders\", \"jwt:main:orders\"],\n"
    "       registrations: [orders], tenants: [\"11111111-1111-1111-1111-111111111111\"],\n"
    "       grants: [client_credentials], scopes: [\"api://orders-api/.default\"],\n"
    "       force_refresh: refused}\n"
    // `billing` another registration, in both tenants, and everything of it.
    "    - {name: billing, callers: [\"spiffe://prod.example/billing\", \"jwt:main:billing\"],\n"
    "       registrations: [billing], tenants: [\"*\"], grants: [\"*\"], scopes: [\"*\"]}\n"
    // Everything of everything.
    "    - {name: operator, callers: [\"local:operator\"], registrations: [\"*\"],\n"
    "       tenants: [\"*\"], grants: [\"*\"], scopes: [\"*\"]}\n";

class AccessMatrixTest : public AccessFixture {
 protected:
  Peer Operator() {
    return {"operator", grpc::CreateChannel(Address(), grpc::InsecureChannelCredentials()), {}};
  }

  /// Has every token of the table below in the cache.
  void MakeHot() {
    for (const Wanted& wanted : Everything()) {
      ASSERT_EQ(CodeOf(Operator(), Rpc::kAcquire, wanted), StatusCode::OK);
    }
  }

  static std::vector<Wanted> Everything() {
    std::vector<Wanted> all;
    for (const char* registration : {"orders", "billing"}) {
      for (const char* tenant : {kTenant, kOtherTenant}) {
        for (const char* scope : {"api://orders-api/.default", "api://stock-api/.default"}) {
          all.push_back({registration, tenant, scope, false});
        }
      }
    }
    return all;
  }
};

TEST_F(AccessMatrixTest, WhoIsNotKnownGetsNothingHotOrCold) {
  StartWithRules(kRules);
  const CertificateFiles strange =
      Certificate(*strange_, "orders", "URI:spiffe://prod.example/orders");
  const CertificateFiles expired =
      Certificate(*trusted_, "expired", "URI:spiffe://prod.example/orders", Validity::kExpired);
  const CertificateFiles early =
      Certificate(*trusted_, "early", "URI:spiffe://prod.example/orders", Validity::kNotYetValid);
  const CertificateFiles nameless = Certificate(*trusted_, "nameless", "");
  const CertificateFiles two_ids = Certificate(
      *trusted_, "two", "URI:spiffe://prod.example/orders,URI:spiffe://prod.example/billing");

  const auto changed = [this](const char* claim, const Json& value) {
    Json claims = ClaimsOf("orders");
    claims[claim] = value;
    return Signed(claims);
  };
  const std::int64_t now = absl::ToUnixSeconds(clock_.Now());
  const Peer proxyless{"a JWT without the proxy's certificate", Connect("gateway", nullptr),
                       Signed(ClaimsOf("orders"))};
  const Peer strange_proxy{"a JWT through a strange proxy", Connect("gateway", &strange),
                           Signed(ClaimsOf("orders"))};

  struct Row {
    Peer peer;
    StatusCode expected;
  };
  const std::vector<Row> rows = {
      // Refused in the handshake: for gRPC, nobody answers there.
      {AtMesh("no certificate", nullptr), StatusCode::UNAVAILABLE},
      {AtMesh("wrong authority", &strange), StatusCode::UNAVAILABLE},
      {AtMesh("expired", &expired), StatusCode::UNAVAILABLE},
      {AtMesh("not yet valid", &early), StatusCode::UNAVAILABLE},
      {proxyless, StatusCode::UNAVAILABLE},
      {strange_proxy, StatusCode::UNAVAILABLE},
      {AtMesh("a certificate without a name", &nameless), StatusCode::UNAUTHENTICATED},
      {AtMesh("a certificate of two workloads", &two_ids), StatusCode::UNAUTHENTICATED},
      {AtGateway("no JWT", std::nullopt), StatusCode::UNAUTHENTICATED},
      {AtGateway("an empty JWT", ""), StatusCode::UNAUTHENTICATED},
      {AtGateway("another audience", changed("aud", "somebody-else")), StatusCode::UNAUTHENTICATED},
      {AtGateway("another issuer", changed("iss", "https://other.example")),
       StatusCode::UNAUTHENTICATED},
      {AtGateway("an expired JWT", changed("exp", now)), StatusCode::UNAUTHENTICATED},
      {AtGateway("a JWT not yet valid", changed("nbf", now + 600)), StatusCode::UNAUTHENTICATED},
      {AtGateway("another key", GoodToken(RsaKey(1), "rsa", ClaimsOf("orders"))),
       StatusCode::UNAUTHENTICATED},
      {AtGateway("a key that nobody knows", GoodToken(RsaKey(1), "other", ClaimsOf("orders"))),
       StatusCode::UNAUTHENTICATED},
  };
  for (const bool hot : {false, true}) {
    if (hot) MakeHot();
    const long requests = TokenRequests();
    for (const Row& row : rows) {
      for (const Rpc rpc : kRpcs) {
        const grpc::Status status = Ask(row.peer, rpc);
        EXPECT_EQ(status.error_code(), row.expected)
            << RpcName(rpc) << ", " << row.peer.name << ": " << status.error_message();
        if (row.expected == StatusCode::UNAUTHENTICATED) {
          EXPECT_EQ(Read(status).reason, "UNAUTHENTICATED");
          EXPECT_EQ(status.error_message(), "no caller identity that this listener accepts");
        }
      }
    }
    EXPECT_EQ(TokenRequests(), requests);
  }
}

TEST_F(AccessMatrixTest, AllowsExactlyWhatARuleCoversHotAndCold) {
  StartWithRules(kRules);
  const auto orders = [](const Wanted& wanted) {
    return wanted.registration == "orders" && wanted.tenant == kTenant &&
           wanted.scope == "api://orders-api/.default" && !wanted.forced;
  };
  const auto billing = [](const Wanted& wanted) { return wanted.registration == "billing"; };
  const auto nothing = [](const Wanted&) { return false; };
  const auto everything = [](const Wanted& wanted) { return wanted.registration != "no-such"; };
  struct Row {
    Peer peer;
    std::function<bool(const Wanted&)> allowed;
  };
  const std::vector<Row> rows = {
      {Workload("nobody"), nothing}, {Subject("nobody"), nothing},   {Workload("orders"), orders},
      {Subject("orders"), orders},   {Workload("billing"), billing}, {Subject("billing"), billing},
      {Operator(), everything},
  };
  std::vector<Wanted> asked = Everything();
  asked.push_back({"orders", kTenant, "api://orders-api/.default", true});
  asked.push_back({"no-such", kTenant, "api://orders-api/.default", false});
  for (const bool hot : {false, true}) {
    if (hot) MakeHot();
    for (const Row& row : rows) {
      for (const Wanted& wanted : asked) {
        for (const Rpc rpc : kRpcs) {
          const long requests = TokenRequests();
          const grpc::Status status = Ask(row.peer, rpc, wanted);
          const StatusCode expected =
              row.allowed(wanted) ? StatusCode::OK : StatusCode::PERMISSION_DENIED;
          EXPECT_EQ(status.error_code(), expected)
              << (hot ? "hot, " : "cold, ") << RpcName(rpc) << " by " << row.peer.name << " for "
              << wanted.registration << ", " << wanted.tenant << ", " << wanted.scope << ": "
              << status.error_message();
          if (expected == StatusCode::PERMISSION_DENIED) {
            // One answer for "not yours" and "does not exist".
            EXPECT_THAT(status.error_message(), HasSubstr("or they do not exist"));
            EXPECT_EQ(TokenRequests(), requests);
          }
        }
      }
    }
  }
  ExpectNoCanary();
}

TEST_F(AccessMatrixTest, AnAuthorityThatIsRemovedEndsConnectionsThatAreOpen) {
  StartWithRules(kRules);
  const Peer workload = Workload("orders");
  const Peer subject = Subject("orders");
  for (const Rpc rpc : kRpcs) {
    ASSERT_EQ(CodeOf(workload, rpc), StatusCode::OK);
    ASSERT_EQ(CodeOf(subject, rpc), StatusCode::OK);
  }
  std::filesystem::copy_file(strange_->ca_file(), Path("clients.pem"),
                             std::filesystem::copy_options::overwrite_existing);
  server_->Poll();
  for (const Rpc rpc : kRpcs) {
    EXPECT_EQ(CodeOf(workload, rpc), StatusCode::UNAUTHENTICATED) << RpcName(rpc);
    EXPECT_EQ(CodeOf(subject, rpc), StatusCode::UNAUTHENTICATED) << RpcName(rpc) << ", by proxy";
  }
}

TEST_F(AccessMatrixTest, AnIdentityThatExpiresEndsOnAConnectionThatIsOpen) {
  StartWithRules(kRules);
  const Peer workload = Workload("orders");
  const Peer subject = Subject("orders");
  ASSERT_EQ(CodeOf(workload, Rpc::kAcquire), StatusCode::OK);
  ASSERT_EQ(CodeOf(subject, Rpc::kAcquire), StatusCode::OK);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(CodeOf(workload, Rpc::kAcquire), StatusCode::OK);
  EXPECT_EQ(CodeOf(subject, Rpc::kAcquire), StatusCode::UNAUTHENTICATED);
  clock_.Advance(absl::Hours(24 * 40));
  for (const Rpc rpc : kRpcs) {
    EXPECT_EQ(CodeOf(workload, rpc), StatusCode::UNAUTHENTICATED) << RpcName(rpc);
  }
}

TEST_F(AccessMatrixTest, APolicyThatIsSwappedHoldsForTheNextCallHotTokensIncluded) {
  StartWithRules(kRules);
  const Peer workload = Workload("orders");
  for (const Rpc rpc : kRpcs) ASSERT_EQ(CodeOf(workload, rpc), StatusCode::OK);
  const std::string without =
      std::string(kRules).substr(std::string(kRules).find("    - {name: billing"));
  SwapRules(without);
  for (const Rpc rpc : kRpcs) EXPECT_EQ(CodeOf(workload, rpc), StatusCode::PERMISSION_DENIED);
  SwapRules(kRules);
  for (const Rpc rpc : kRpcs) EXPECT_EQ(CodeOf(workload, rpc), StatusCode::OK);
}

TEST_F(AccessMatrixTest, JwtsOfAttackersAreRefusedByTheRunningService) {
  StartWithRules(kRules);
  ASSERT_EQ(CodeOf(Subject("orders"), Rpc::kAcquire), StatusCode::OK);
  const std::string good = Signed(ClaimsOf("orders"));
  const std::string claims = ClaimsOf("orders").dump();
  const auto by_ec = [&claims](const std::string& header) {
    return SignRaw(JwsAlgorithm::kEs256, EcKey(), header, claims);
  };
  const auto with_payload = [](const std::string& payload) {
    return SignRaw(JwsAlgorithm::kEs256, EcKey(), R"({"alg":"ES256","kid":"ec"})", payload);
  };
  const std::string body = Base64Url(claims);
  const std::string beginning = claims.substr(0, claims.size() - 1);
  const std::string none = absl::StrCat(Base64Url(R"({"alg":"none"})"), ".", body, ".");
  const Json attackers = JwkOf(RsaKey(1), "rsa");
  const std::vector<std::pair<std::string, std::string>> attacks = {
      {"none", none},
      {"none, with the good signature", none + good.substr(good.rfind('.') + 1)},
      {"HMAC by the public key",
       absl::StrCat(Base64Url(R"({"alg":"HS256","kid":"rsa"})"), ".", body, ".AAAA")},
      {"an RSA signature under an EC key's name",
       SignRaw(JwsAlgorithm::kRs256, RsaKey(), R"({"alg":"RS256","kid":"ec"})", claims)},
      {"no kid, where two keys could be meant by their type",
       SignRaw(JwsAlgorithm::kRs256, RsaKey(1), R"({"alg":"RS256"})", claims)},
      {"kid twice", by_ec(R"({"alg":"ES256","kid":"rsa","kid":"ec"})")},
      {"alg twice", by_ec(R"({"alg":"none","alg":"ES256","kid":"ec"})")},
      {"crit", by_ec(R"({"alg":"ES256","kid":"ec","crit":["exp"]})")},
      {"its own key",
       SignRaw(JwsAlgorithm::kRs256, RsaKey(1),
               Json({{"alg", "RS256"}, {"kid", "rsa"}, {"jwk", attackers}}).dump(), claims)},
      {"jku", SignRaw(JwsAlgorithm::kRs256, RsaKey(1),
                      R"({"alg":"RS256","kid":"rsa","jku":"https://127.0.0.1:1/keys"})", claims)},
      {"x5u", SignRaw(JwsAlgorithm::kRs256, RsaKey(1),
                      R"({"alg":"RS256","kid":"rsa","x5u":"https://127.0.0.1:1/x5u"})", claims)},
      {"padding", good + "="},
      {"a fourth part", good + ".AAAA"},
      {"two parts", good.substr(0, good.rfind('.'))},
      {"truncated", good.substr(0, good.size() - 4)},
      {"a letter of the other alphabet",
       [&good] {
         std::string other = good;
         other[other.size() - 10] = '+';
         return other;
       }()},
      {"a large header",
       by_ec(absl::StrCat(R"({"alg":"ES256","kid":"ec","x":")", std::string(6000, 'a'), "\"}"))},
      {"deep JSON", with_payload(absl::StrCat(beginning, ",\"x\":", std::string(2000, '['),
                                              std::string(2000, ']'), "}"))},
      {"sub twice", with_payload(absl::StrCat("{\"sub\":\"billing\",", claims.substr(1)))},
      {"NUL in sub", Signed(ClaimsOf(std::string("orders\0x", 8)))},
      {"no object", with_payload("[]")},
      {"not JSON", with_payload("{")},
  };
  for (const auto& [name, token] : attacks) {
    for (const Rpc rpc : kRpcs) {
      EXPECT_EQ(CodeOf(AtGateway(name, token), rpc), StatusCode::UNAUTHENTICATED) << name;
    }
  }
  for (const char* time : {"\"1\"", "-1", "1e400", "1.5", "9223372036854775808", "null", "{}"}) {
    for (const char* claim : {"exp", "nbf", "iat"}) {
      Json without = ClaimsOf("orders");
      without.erase(claim);
      const std::string text = without.dump();
      const std::string token = with_payload(
          absl::StrCat(text.substr(0, text.size() - 1), ",\"", claim, "\":", time, "}"));
      EXPECT_EQ(CodeOf(AtGateway(claim, token), Rpc::kAcquire), StatusCode::UNAUTHENTICATED)
          << claim << ": " << time;
    }
  }
  // Two of them are one too many, whichever is good.
  grpc::ClientContext context;
  const Peer peer = AtGateway("two JWTs", std::nullopt);
  context.AddMetadata("authorization", "Bearer " + good);
  context.AddMetadata("authorization", "Bearer " + good);
  v1::AcquireForClientResponse response;
  EXPECT_EQ(v1::TokenService::NewStub(peer.channel)
                ->AcquireForClient(&context, Request(), &response)
                .error_code(),
            StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr(good))) << "a JWT is not for logs";
}

}  // namespace
}  // namespace tokensvc::testing
