// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/commands.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/command_fixture.h"
#include "tests/client/error_details.h"

namespace tokensvc::tokenctl {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kSignature[] = "CANARYsignature";

std::string TestJwt() {
  return absl::StrCat(absl::WebSafeBase64Escape(R"({"alg":"RS256"})"), ".",
                      absl::WebSafeBase64Escape(R"({"iss":"https://op.example","roles":["r"]})"),
                      ".", kSignature);
}

class TokenCommandTest : public CommandTest {
 protected:
  TokenCommandTest() {
    v1::AcquireForClientResponse& response = server_.service.acquire_response;
    response.mutable_access_token()->set_value(TestJwt());
    response.mutable_access_token()->set_token_type(v1::TOKEN_TYPE_BEARER);
    response.mutable_access_token()->mutable_expires_at()->set_seconds(1800003599);
    response.mutable_access_token()->mutable_refresh_at()->set_seconds(1800001800);
    response.mutable_access_token()->add_granted_scopes("https://graph.example/.default");
    response.mutable_access_token()->set_tenant("tenant-1");
    response.set_source(v1::TOKEN_SOURCE_AUTHORITY);
    response.set_refresh_reason(v1::REFRESH_REASON_NO_CACHED_TOKEN);
    response.set_correlation_id("corr-1");
    response.mutable_near_cache_until()->set_seconds(1800000060);
    v1::CreateAuthorizationHeaderResponse& header = server_.service.header_response;
    header.add_headers()->set_name("Authorization");
    header.mutable_headers(0)->set_value("Bearer " + TestJwt());
    header.mutable_expires_at()->set_seconds(1800003599);
    header.set_source(v1::TOKEN_SOURCE_LOCAL_CACHE);
    header.set_correlation_id("corr-2");
  }
};

TEST_F(TokenCommandTest, AcquireShowsTheTokenDecodedAndNeverVerbatim) {
  EXPECT_EQ(Run(Command::kAcquire), kExitOk) << err();
  for (const char* part :
       {"Bearer token, a JWT, ", "expires       2027-01-15T08:59:59Z (in 59m59s)",
        "refresh       2027-01-15T08:30:00Z (in 30m)",
        "scopes        https://graph.example/.default", "tenant        tenant-1",
        "source        authority", "refreshed     no cached token", "correlation   corr-1",
        "\"iss\": \"https://op.example\"", "\"alg\": \"RS256\"",
        "keep until    2027-01-15T08:01:00Z (in 1m)"}) {
    EXPECT_THAT(out(), HasSubstr(part));
  }
  EXPECT_THAT(out(), Not(HasSubstr(kSignature)));
  EXPECT_THAT(err(), IsEmpty());
}

TEST_F(TokenCommandTest, JsonOutputHoldsTheTokenOnlyWhenAsked) {
  options_.output = OutputFormat::kJson;
  EXPECT_EQ(Run(Command::kAcquire), kExitOk);
  EXPECT_THAT(out(), Not(HasSubstr(kSignature)));
  auto json = ParseJsonObject(out());
  ASSERT_TRUE(json.ok());
  EXPECT_EQ((*json)["source"], "authority");
  EXPECT_EQ((*json)["refresh_reason"], "no_cached_token");
  EXPECT_EQ((*json)["access_token"]["jwt"]["claims"]["iss"], "https://op.example");
  EXPECT_EQ((*json)["access_token"]["expires_in_seconds"], 3599);
  EXPECT_FALSE((*json)["access_token"].contains("value"));

  options_.acquire.show_token = true;
  EXPECT_EQ(Run(Command::kAcquire), kExitOk);
  json = ParseJsonObject(out());
  ASSERT_TRUE(json.ok());
  EXPECT_EQ((*json)["access_token"]["value"], TestJwt());
}

TEST_F(TokenCommandTest, ShowTokenPrintsItVerbatim) {
  options_.acquire.show_token = true;
  EXPECT_EQ(Run(Command::kAcquire), kExitOk);
  EXPECT_THAT(out(), HasSubstr("\n" + TestJwt() + "\n"));
}

TEST_F(TokenCommandTest, AcquireShowsOnlyTheLengthOfAnOpaqueToken) {
  server_.service.acquire_response.mutable_access_token()->set_value("opaque-CANARY");
  EXPECT_EQ(Run(Command::kAcquire), kExitOk);
  EXPECT_THAT(out(), HasSubstr("Bearer token, opaque, 13 bytes"));
  EXPECT_THAT(out(), Not(HasSubstr("CANARY")));
}

TEST_F(TokenCommandTest, AcquireSendsEveryOption) {
  AcquireOptions& acquire = options_.acquire;
  acquire.tenant = "t";
  acquire.resource = "r";
  acquire.audience = "a";
  acquire.claims_challenge = "{\"c\":1}";
  acquire.client_claims = "{\"d\":1}";
  acquire.force_refresh = true;
  acquire.correlation_id = "mine";
  acquire.parameters = {{"x", "y"}};
  EXPECT_EQ(Run(Command::kAcquire), kExitOk);
  const v1::AcquireForClientRequest& request = server_.service.acquire_request;
  EXPECT_EQ(request.registration(), "orders");
  EXPECT_EQ(request.tenant(), "t");
  EXPECT_EQ(request.scopes(0), "https://graph.example/.default");
  EXPECT_EQ(request.resource(), "r");
  EXPECT_EQ(request.audience(), "a");
  EXPECT_EQ(request.claims_challenge(), "{\"c\":1}");
  EXPECT_EQ(request.client_claims(), "{\"d\":1}");
  EXPECT_TRUE(request.force_refresh());
  EXPECT_EQ(request.correlation_id(), "mine");
  EXPECT_EQ(request.extra_parameters().at("x"), "y");
}

TEST_F(TokenCommandTest, HeaderIsRedactedUnlessAsked) {
  EXPECT_EQ(Run(Command::kHeader), kExitOk);
  EXPECT_TRUE(server_.service.header_request.has_app());
  EXPECT_THAT(out(), HasSubstr(absl::StrCat("Authorization: Bearer <redacted, ", TestJwt().size(),
                                            " bytes>\n")));
  EXPECT_THAT(out(), HasSubstr("source        local cache"));
  EXPECT_THAT(out(), Not(HasSubstr(kSignature)));
  options_.output = OutputFormat::kJson;
  EXPECT_EQ(Run(Command::kHeader), kExitOk);
  EXPECT_THAT(out(), Not(HasSubstr(kSignature)));
  options_.output = OutputFormat::kText;
  options_.acquire.show_token = true;
  EXPECT_EQ(Run(Command::kHeader), kExitOk);
  EXPECT_THAT(out(), HasSubstr("Authorization: Bearer " + TestJwt() + "\n"));
}

TEST_F(TokenCommandTest, WhatAHostileServerSendsCanNotDriveTheTerminal) {
  v1::AcquireForClientResponse& response = server_.service.acquire_response;
  response.mutable_access_token()->set_value(absl::StrCat(
      absl::WebSafeBase64Escape(R"({"alg":"\u001b[31m"})"), ".",
      absl::WebSafeBase64Escape("{\"k\xe2\x80\xae\":\"\\u001b]0;x\\u0007\"}"), ".x\x1b"));
  response.mutable_access_token()->set_tenant("\x1b[2J");
  response.mutable_access_token()->add_granted_scopes("a\nb");
  response.set_correlation_id("\x1b[1m");
  response.set_source(static_cast<v1::TokenSource>(99));
  response.set_refresh_reason(static_cast<v1::RefreshReason>(99));
  response.mutable_access_token()->mutable_expires_at()->set_seconds(INT64_MAX);
  server_.service.header_response.mutable_headers(0)->set_name("X\r\nY\x1b");
  options_.acquire.show_token = true;
  for (const OutputFormat format : {OutputFormat::kText, OutputFormat::kJson}) {
    options_.output = format;
    for (const Command command : {Command::kAcquire, Command::kHeader, Command::kCheck}) {
      Run(command);
      EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
      EXPECT_THAT(out(), Not(HasSubstr("\x07")));
      EXPECT_THAT(out(), Not(HasSubstr("\r")));
      EXPECT_THAT(out(), Not(HasSubstr("\xe2\x80\xae")));
    }
  }
}

TEST_F(TokenCommandTest, ARefusalIsExplainedOnStderrAndAsJsonOnStdout) {
  google::rpc::Status details;
  AddErrorInfo("tokensvc", "POLICY_DENIED", "corr-9", &details);
  server_.service.status = WithDetails(grpc::StatusCode::PERMISSION_DENIED, "no", details);
  EXPECT_EQ(Run(Command::kAcquire), kExitRefused);
  EXPECT_THAT(out(), IsEmpty());
  EXPECT_THAT(err(), HasSubstr("POLICY_DENIED"));
  EXPECT_THAT(err(), HasSubstr("corr-9"));
  EXPECT_EQ(Run(Command::kHeader), kExitRefused);
  options_.output = OutputFormat::kJson;
  EXPECT_EQ(Run(Command::kAcquire), kExitRefused);
  const auto json = ParseJsonObject(out());
  ASSERT_TRUE(json.ok());
  EXPECT_EQ((*json)["error"]["reason"], "POLICY_DENIED");
}

TEST_F(TokenCommandTest, AnAnswerWithoutATokenIsAnError) {
  server_.service.acquire_response.Clear();
  server_.service.header_response.Clear();
  EXPECT_EQ(Run(Command::kAcquire), kExitRefused);
  EXPECT_THAT(err(), HasSubstr("holds no token"));
  EXPECT_EQ(Run(Command::kHeader), kExitRefused);
}

TEST_F(TokenCommandTest, NobodyThereIsUnreachable) {
  options_.connection.address = "127.0.0.1:1";
  for (const Command command : {Command::kAcquire, Command::kHeader, Command::kHealth}) {
    EXPECT_EQ(Run(command), kExitUnreachable);
    EXPECT_THAT(err(), HasSubstr("no answer of a Token Service"));
  }
  EXPECT_EQ(Run(Command::kCheck), kExitUnreachable);
  EXPECT_THAT(out(), HasSubstr("FAIL  reach"));
}

TEST_F(TokenCommandTest, TlsAgainstPlaintextIsUnreachable) {
  options_.connection.tls = true;
  EXPECT_EQ(Run(Command::kHealth), kExitUnreachable);
}

TEST_F(TokenCommandTest, AnUnusableCaFileIsAUsageError) {
  options_.connection.tls = true;
  options_.connection.ca_file = "/nonexistent/ca.pem";
  EXPECT_EQ(Run(Command::kHealth), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--ca-file"));
}

TEST_F(TokenCommandTest, HealthTellsEachService) {
  server_.SetServing("live", true);
  server_.SetServing("ready", false);
  options_.health_services = {"live", "ready"};
  EXPECT_EQ(Run(Command::kHealth), kExitRefused);
  EXPECT_THAT(out(), HasSubstr("live          SERVING\n"));
  EXPECT_THAT(out(), HasSubstr("ready         NOT_SERVING\n"));
  server_.SetServing("ready", true);
  EXPECT_EQ(Run(Command::kHealth), kExitOk);
  options_.health_services = {"unheard-of"};
  EXPECT_EQ(Run(Command::kHealth), kExitRefused);
  EXPECT_THAT(out(), HasSubstr("SERVICE_UNKNOWN"));
}

TEST_F(TokenCommandTest, CheckGoesStepByStep) {
  server_.SetServing("live", true);
  server_.SetServing("ready", true);
  EXPECT_EQ(Run(Command::kCheck), kExitOk) << out();
  for (const char* line :
       {"ok    reach     ", "ok    live      SERVING", "ok    ready     SERVING",
        "skip  services  reflection is off",
        "ok    acquire   a token from: authority; expires 2027-01-15T08:59:59Z"}) {
    EXPECT_THAT(out(), HasSubstr(line));
  }
  options_.acquire.registration.clear();
  options_.acquire.scopes.clear();
  EXPECT_EQ(Run(Command::kCheck), kExitOk) << out();
  EXPECT_THAT(out(), HasSubstr("skip  acquire"));
}

TEST_F(TokenCommandTest, CheckNamesWhatIsWrongAndGoesOn) {
  server_.SetServing("live", true);
  server_.SetServing("ready", false);
  google::rpc::Status details;
  AddErrorInfo("tokensvc", "REGISTRATION_MISCONFIGURED", "corr-3", &details);
  server_.service.status = WithDetails(grpc::StatusCode::FAILED_PRECONDITION, "refused", details);
  EXPECT_EQ(Run(Command::kCheck), kExitRefused);
  EXPECT_THAT(out(), HasSubstr("ok    live"));
  EXPECT_THAT(out(), HasSubstr("FAIL  ready"));
  EXPECT_THAT(out(),
              HasSubstr("FAIL  acquire   FAILED_PRECONDITION REGISTRATION_MISCONFIGURED: refused"));
  EXPECT_THAT(out(), HasSubstr("Tell the operator"));
  EXPECT_THAT(out(), HasSubstr("corr-3"));
}

TEST_F(TokenCommandTest, DecodeReadsStandardInputAndSaysWhatItDidNotDo) {
  in_.str(TestJwt() + "\n");
  EXPECT_EQ(Run(Command::kDecode), kExitOk) << err();
  EXPECT_THAT(out(), HasSubstr("NOT verified"));
  EXPECT_THAT(out(), HasSubstr("https://op.example"));
  EXPECT_THAT(out(), Not(HasSubstr(kSignature)));
}

TEST_F(TokenCommandTest, DecodeRefusesWhatIsNoJwtWithoutRepeatingIt) {
  in_.str("opaque-CANARY");
  EXPECT_EQ(Run(Command::kDecode), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("13 bytes"));
  EXPECT_THAT(err(), Not(HasSubstr("CANARY")));
}

}  // namespace
}  // namespace tokensvc::tokenctl
