// SPDX-License-Identifier: Apache-2.0
// Each fault, set through code or over the control interface, as a client sees it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "tests/authority/authority_test_fixture.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Fault = DevAuthority::Fault;
using Endpoint = DevAuthority::Endpoint;

class FaultTest : public AuthorityTest {
 protected:
  void SetUp() override { Start(); }

  Answer Ask() { return Post(TokenPath(), GoodParams()); }

  // Sets one fault over the control interface.
  void Set(const Json& fault) {
    const Answer answer = PostText("/_control/faults", fault.dump(), {}, "application/json");
    ASSERT_EQ(answer.status, 200) << answer.text;
  }

  // Waits until so many token requests are in flight; false only if they never are.
  bool WaitForInFlight(int wanted) {
    for (int i = 0; i < 6000; ++i) {
      if (authority_->counters().in_flight == wanted) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  // A plain connection that has sent the good token request.
  int SendRaw() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(authority_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const std::string body = FormBody(GoodParams());
    const std::string request =
        absl::StrCat("POST ", TokenPath(), " HTTP/1.1\r\nHost: x\r\nContent-Type: ", kForm,
                     "\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
    EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    return fd;
  }
};

TEST_F(FaultTest, AStatusReplacesTheAnswer) {
  Set({{"status", 500}, {"body", "boom"}, {"content_type", "text/plain"}});
  const Answer answer = Ask();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.text, "boom");
  EXPECT_EQ(answer.Header("Content-Type"), "text/plain");
  EXPECT_EQ(authority_->issued_tokens(), 0);
}

TEST_F(FaultTest, ThrottlesWithAndWithoutRetryAfter) {
  Set({{"status", 429},
       {"body", "Too many requests"},
       {"content_type", "text/plain"},
       {"headers", {{"Retry-After", "7"}}},
       {"count", 1}});
  Set({{"status", 429}, {"count", 1}});
  const Answer first = Ask();
  EXPECT_EQ(first.status, 429);
  EXPECT_EQ(first.Header("Retry-After"), "7");
  const Answer second = Ask();
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(second.Header("Retry-After"), "");
  EXPECT_EQ(Ask().status, 200);
}

TEST_F(FaultTest, ASuccessCanBeEmptyOrNotJson) {
  Set({{"status", 200}, {"count", 1}});
  Set({{"body", "<html>"}, {"count", 1}});
  const Answer empty = Ask();
  EXPECT_EQ(empty.status, 200);
  EXPECT_EQ(empty.text, "");
  EXPECT_EQ(Ask().text, "<html>");
}

TEST_F(FaultTest, RedirectsWithoutBeingFollowed) {
  Set({{"status", 302}, {"headers", {{"Location", "https://elsewhere.example/"}}}});
  const Answer answer = Ask();
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(answer.Header("Location"), "https://elsewhere.example/");
}

TEST_F(FaultTest, ThePatchChangesASuccess) {
  Set({{"response_patch", {{"token_type", "mac"}, {"expires_in", nullptr}}}, {"count", 1}});
  Set({{"response_patch", {{"expires_in", "3600"}}}, {"count", 1}});
  const Answer first = Ask();
  EXPECT_EQ(first.json["token_type"], "mac");
  EXPECT_FALSE(first.json.contains("expires_in"));
  EXPECT_NE(first.token(), "");
  EXPECT_EQ(Ask().json["expires_in"], "3600");
}

TEST_F(FaultTest, TheLifetimeHoldsInTheAnswerAndInTheToken) {
  Set({{"lifetime_seconds", 20}});
  const Answer answer = Ask();
  EXPECT_EQ(answer.json["expires_in"], 20);
  const Json claims = ClaimsOf(answer.token());
  EXPECT_EQ(claims["exp"].get<int64_t>() - claims["iat"].get<int64_t>(), 20);
}

TEST_F(FaultTest, TheAccessTokenComesTwice) {
  Set({{"duplicate_access_token", true}});
  const std::string text = Ask().text;
  EXPECT_NE(text.find("\"access_token\""), text.rfind("\"access_token\""));
  EXPECT_FALSE(devauth::ParseStrictJson(text).has_value());
}

TEST_F(FaultTest, TheSameTokenComesAgain) {
  const std::string first = Ask().token();
  Set({{"same_token", true}, {"count", 1}});
  EXPECT_EQ(Ask().token(), first);
  EXPECT_NE(Ask().token(), first);
  EXPECT_EQ(authority_->issued_tokens(), 2);
}

TEST_F(FaultTest, ABodyOfAnySizeIsStreamed) {
  Set({{"body_bytes", 10 << 20}});
  const Answer answer = Ask();
  EXPECT_EQ(answer.text.size(), size_t{10 << 20});
  EXPECT_EQ(answer.Header("Content-Length"), "");
  EXPECT_TRUE(answer.json.is_object());
}

TEST_F(FaultTest, AResetIsATcpResetBeforeAnyByte) {
  Set({{"reset", true}, {"count", 1}});
  const int fd = SendRaw();
  char byte = 0;
  EXPECT_EQ(::recv(fd, &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
  ::close(fd);
  EXPECT_EQ(Ask().status, 200);
}

TEST_F(FaultTest, AResetCanComeInTheMiddleOfTheAnswer) {
  Set({{"reset_after_bytes", 400}});
  const int fd = SendRaw();
  char buffer[4096];
  size_t total = 0;
  ssize_t got = 0;
  while ((got = ::recv(fd, buffer, sizeof(buffer), 0)) > 0) total += static_cast<size_t>(got);
  EXPECT_EQ(got, -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_LE(total, 400u);
  ::close(fd);
  EXPECT_FALSE(Ask().received);
}

TEST_F(FaultTest, APresetRefusalCarriesItsClaimsChallenge) {
  const std::string challenge = R"({"access_token":{"nbf":{"essential":true,"value":"1"}}})";
  Set({{"error_code", 53003}, {"suberror", "additional_action"}, {"claims", challenge}});
  const Answer answer = Ask();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.error(), "invalid_grant");
  EXPECT_EQ(answer.aadsts(), 53003);
  EXPECT_EQ(answer.json["suberror"], "additional_action");
  EXPECT_EQ(answer.json["claims"], challenge);
}

TEST_F(FaultTest, AHostileAuthorityEchoesWhatItWasSent) {
  Set({{"echo_credentials", true}});
  const Answer answer = Ask();
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.error(), HasSubstr(kSecret));
  EXPECT_THAT(answer.json["error_description"].get<std::string>(), HasSubstr(kSecret));
  Params params = GoodParams();
  params.erase("client_secret");
  params["client_assertion"] = "header.claims.signature";
  EXPECT_THAT(Post(TokenPath(), params).error(), HasSubstr("header.claims.signature"));
  EXPECT_THAT(Get("/_control/counters").text, Not(HasSubstr("header.claims.signature")));
}

TEST_F(FaultTest, AHostileAuthorityEchoesTheWholeRequest) {
  Set({{"echo_request", true}, {"status", 403}, {"content_type", "text/plain"}});
  const Answer answer = Ask();
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.Header("Content-Type"), "text/plain");
  EXPECT_THAT(answer.text, HasSubstr("content-type: application/x-www-form-urlencoded\r\n"));
  EXPECT_THAT(answer.text, HasSubstr(FormBody(GoodParams())));
  EXPECT_THAT(answer.Header("X-Request-Body"), HasSubstr("client_secret="));
  EXPECT_EQ(authority_->issued_tokens(), 0);
}

TEST_F(FaultTest, DiscoveryClaimsAForeignIssuer) {
  Set({{"endpoint", "discovery"}, {"foreign_issuer", "https://evil.example"}, {"tenant", "oidc"}});
  EXPECT_EQ(Get("/oidc/.well-known/openid-configuration").json["issuer"], "https://evil.example");
  EXPECT_EQ(
      Get(absl::StrCat("/", kTenant, "/v2.0/.well-known/openid-configuration")).json["issuer"],
      absl::StrCat(authority_->base_url(), "/", kTenant, "/v2.0"));
}

TEST_F(FaultTest, EachEndpointFailsAlone) {
  Set({{"endpoint", "jwks"}, {"status", 503}});
  Set({{"endpoint", "instance"}, {"error_code", 50049}});
  EXPECT_EQ(Get("/oidc/jwks").status, 503);
  EXPECT_EQ(Get("/common/discovery/instance").error(), "invalid_instance");
  EXPECT_EQ(Get("/oidc/.well-known/openid-configuration").status, 200);
  EXPECT_EQ(Ask().status, 200);
}

TEST_F(FaultTest, TheScopeIsTenantAndClient) {
  Fault fault;
  fault.status = 500;
  fault.tenant = "broken.example";
  fault.client_id = kClientId;
  authority_->AddFault(fault);
  EXPECT_EQ(Ask().status, 200);
  EXPECT_EQ(Post(TokenPath("broken.example"), GoodParams()).status, 500);
  Params other = GoodParams();
  other["client_id"] = "other";
  EXPECT_EQ(Post(TokenPath("broken.example"), other).aadsts(), 700016);
  authority_->ClearFaults();
  EXPECT_EQ(Post(TokenPath("broken.example"), GoodParams()).status, 200);
}

TEST_F(FaultTest, HundredsOfSlowAnswersAreInFlightAtOnce) {
  constexpr int kCallers = 200;
  Set({{"latency_ms", 60'000}});
  std::atomic<int> good = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] { good += Ask().status == 200; });
  }
  EXPECT_TRUE(WaitForInFlight(kCallers));
  authority_->ClearFaults();  // lets them go
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, kCallers);
  EXPECT_EQ(authority_->counters().peak_in_flight, kCallers);
  EXPECT_GE(authority_->counters().peak_connections, kCallers);
}

TEST_F(FaultTest, AHangingAnswerIsGivenUpWhenTheClientLeaves) {
  Set({{"hang", true}});
  const int fd = SendRaw();
  ASSERT_TRUE(WaitForInFlight(1));
  ::close(fd);
  EXPECT_TRUE(WaitForInFlight(0));
}

// Waiting for either would take longer than the test may.
TEST_F(FaultTest, StoppingCutsWhatWaitsAndWhatIdles) {
  Set({{"latency_ms", 600'000}});
  httplib::Client idle = NewClient();
  idle.set_keep_alive(true);
  ASSERT_TRUE(idle.Get("/oidc/jwks"));
  std::thread caller([client = NewClient()]() mutable {
    (void)client.Post(TokenPath(), FormBody(GoodParams()), kForm);
  });
  ASSERT_TRUE(WaitForInFlight(1));
  authority_.reset();
  caller.join();
}

TEST_F(FaultTest, TheControlInterfaceTakesListsAndRefusesNonsense) {
  const auto post = [this](const std::string& body) {
    return PostText("/_control/faults", body, {}, "application/json");
  };
  for (const char* bad :
       {"", "{", "1", R"({"statsu":500})", R"({"status":"500"})", R"({"status":99})",
        R"({"endpoint":"x"})", R"({"count":0})", R"({"latency_ms":-1})", R"({"hang":1})",
        R"({"headers":{"a":1}})", R"({"response_patch":[]})", R"({"status":500,"status":200})",
        R"([{"status":500},{"oops":1}])"}) {
    EXPECT_EQ(post(bad).status, 400) << bad;
  }
  EXPECT_EQ(Ask().status, 200);  // nothing of a refused list is set
  EXPECT_EQ(post(R"([{"status":500,"count":1},{"status":502,"count":1}])").status, 200);
  EXPECT_EQ(Ask().status, 500);
  EXPECT_EQ(Ask().status, 502);
  EXPECT_EQ(Ask().status, 200);
}

TEST_F(FaultTest, TheControlInterfaceClearsResetsAndCounts) {
  Set({{"status", 500}});
  EXPECT_EQ(Ask().status, 500);
  EXPECT_EQ(ToAnswer(NewClient().Delete("/_control/faults")).status, 200);
  EXPECT_EQ(Ask().status, 200);
  const Json counters = Get("/_control/counters").json;
  EXPECT_EQ(counters["token_requests"], 2);
  EXPECT_EQ(counters["issued_tokens"], 1);
  EXPECT_EQ(counters["last_form"]["client_id"], kClientId);
  EXPECT_EQ(counters["last_form"]["client_secret"], "(secret)");
  Set({{"status", 500}});
  EXPECT_EQ(PostText("/_control/reset", "", {}, "application/json").status, 200);
  EXPECT_EQ(Ask().status, 200);
  EXPECT_EQ(Get("/_control/counters").json["token_requests"], 1);
  EXPECT_EQ(Get("/_control/nothing").status, 404);
  EXPECT_EQ(Get("/_control/reset").status, 405);
}

TEST_F(FaultTest, TheControlInterfaceCanBeLeftOut) {
  DevAuthority::Options options;
  options.control_interface = false;
  Start(options);
  EXPECT_EQ(Get("/_control/counters").status, 404);
}

}  // namespace
}  // namespace tokensvc
