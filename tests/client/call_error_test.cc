// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/call_error.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "base/json.h"
#include "client/tokenctl/reason_advice.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "tests/client/error_details.h"

namespace tokensvc::tokenctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const grpc::Status& status) { return ErrorText(ReadError(status)); }

TEST(CallError, HasAdviceForEveryReasonOfTheContract) {
  const auto& descriptor = *v1::ErrorReason_descriptor();
  for (int i = 0; i < descriptor.value_count(); ++i) {
    if (descriptor.value(i)->number() == v1::ERROR_REASON_UNSPECIFIED) continue;
    const std::string reason(absl::StripPrefix(descriptor.value(i)->name(), "ERROR_REASON_"));
    ASSERT_FALSE(AdviceForReason(reason).empty()) << reason;
    google::rpc::Status details;
    AddErrorInfo("tokensvc", reason, "corr-1", &details);
    const std::string text =
        Text(WithDetails(grpc::StatusCode::UNAVAILABLE, "the message", details));
    EXPECT_THAT(text, HasSubstr("refused the call"));
    EXPECT_THAT(text, HasSubstr("  reason        " + reason + "\n"));
    EXPECT_THAT(text, HasSubstr("  message       the message\n"));
    EXPECT_THAT(text, HasSubstr("  correlation   corr-1\n"));
    EXPECT_THAT(text, HasSubstr(std::string(AdviceForReason(reason))));
  }
}

grpc::Status WithEverything() {
  google::rpc::Status details;
  AddErrorInfo("tokensvc", "INTERACTION_REQUIRED", "corr-2", &details);
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field("scopes[0]");
  violation->set_description("write https://graph.microsoft.com/.default");
  details.add_details()->PackFrom(bad_request);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(1);
  retry.mutable_retry_delay()->set_nanos(500000000);
  details.add_details()->PackFrom(retry);
  v1::AuthorityError authority;
  authority.set_error("interaction_required");
  authority.set_suberror("basic_action");
  authority.add_error_codes(50076);
  authority.set_correlation_id("entra-corr");
  authority.set_trace_id("entra-trace");
  authority.set_classification(v1::INTERACTION_CLASSIFICATION_BASIC_ACTION);
  authority.set_claims_challenge("{\"access_token\":{}}");
  authority.set_http_status(400);
  details.add_details()->PackFrom(authority);
  return WithDetails(grpc::StatusCode::FAILED_PRECONDITION, "sign-in needed", details);
}

TEST(CallError, ShowsEveryDetailToPeople) {
  const std::string text = Text(WithEverything());
  for (const char* line :
       {"  status        FAILED_PRECONDITION\n",
        "  field         scopes[0]: write https://graph.microsoft.com/.default\n",
        "  authority     interaction_required / basic_action (AADSTS50076), HTTP 400\n",
        "    needs       BASIC_ACTION\n", "    claims      {\"access_token\":{}}\n",
        "    correlation entra-corr\n", "    trace       entra-trace\n",
        "  retry after   1.5s\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(CallError, ShowsEveryDetailToPrograms) {
  const auto json = ParseJsonObject(ErrorJson(ReadError(WithEverything())));
  ASSERT_TRUE(json.ok());
  const Json& error = (*json)["error"];
  EXPECT_EQ(error["status"], "FAILED_PRECONDITION");
  EXPECT_EQ(error["reason"], "INTERACTION_REQUIRED");
  EXPECT_EQ(error["correlation_id"], "corr-2");
  EXPECT_EQ(error["field_violations"][0]["field"], "scopes[0]");
  EXPECT_EQ(error["retry_after_seconds"], 1.5);
  EXPECT_EQ(error["authority"]["error_codes"][0], 50076);
  EXPECT_EQ(error["authority"]["claims_challenge"], "{\"access_token\":{}}");
  EXPECT_EQ(error["authority"]["classification"], "BASIC_ACTION");
}

TEST(CallError, TellsAnUnreachableServerFromARefusal) {
  EXPECT_EQ(ExitCodeOf(ReadError({grpc::StatusCode::UNAVAILABLE, ""})), kExitUnreachable);
  EXPECT_EQ(ExitCodeOf(ReadError({grpc::StatusCode::DEADLINE_EXCEEDED, ""})), kExitUnreachable);
  EXPECT_EQ(ExitCodeOf(ReadError({grpc::StatusCode::UNIMPLEMENTED, ""})), kExitRefused);
  google::rpc::Status details;
  AddErrorInfo("tokensvc", "AUTHORITY_UNAVAILABLE", "c", &details);
  EXPECT_EQ(ExitCodeOf(ReadError(WithDetails(grpc::StatusCode::UNAVAILABLE, "", details))),
            kExitRefused);
}

TEST(CallError, TakesNoReasonFromAnotherDomain) {
  google::rpc::Status details;
  AddErrorInfo("proxy.example", "POLICY_DENIED", "c", &details);
  const CallError error = ReadError(WithDetails(grpc::StatusCode::UNAVAILABLE, "", details));
  EXPECT_EQ(error.reason, "");
  EXPECT_EQ(error.correlation_id, "");
}

TEST(CallError, FallsBackToTheStatusForAReasonItDoesNotKnow) {
  google::rpc::Status details;
  AddErrorInfo("tokensvc", "INVENTED_LATER", "c", &details);
  const std::string text = Text(WithDetails(grpc::StatusCode::INTERNAL, "", details));
  EXPECT_THAT(text, HasSubstr("INVENTED_LATER"));
  EXPECT_THAT(text, HasSubstr("what to do"));
}

TEST(CallError, EscapesWhatTheServerSends) {
  google::rpc::Status details;
  AddErrorInfo("tokensvc", "A\x1b[31m", "B\x1b[2J", &details);
  google::rpc::BadRequest bad_request;
  bad_request.add_field_violations()->set_field("C\r\n\x1b]0;title\x07");
  details.add_details()->PackFrom(bad_request);
  v1::AuthorityError authority;
  authority.set_error("D\x1b[1m");
  authority.set_suberror("\xc2\x9b");
  authority.set_claims_challenge("E\n\n");
  details.add_details()->PackFrom(authority);
  const CallError error =
      ReadError(WithDetails(grpc::StatusCode::INTERNAL, "F\x1b[3m\ninjected line", details));
  for (const std::string& text : {ErrorText(error), ErrorJson(error)}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\x07")));
    EXPECT_THAT(text, Not(HasSubstr("\xc2\x9b")));
    EXPECT_THAT(text, Not(HasSubstr("\r")));
    EXPECT_THAT(text, Not(HasSubstr("\ninjected")));
  }
}

TEST(CallError, SurvivesDetailsThatAreNone) {
  EXPECT_EQ(ReadError({grpc::StatusCode::INTERNAL, "m", "\xff\xff not a message"}).message, "m");
  google::rpc::Status details;
  details.add_details()->set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  details.mutable_details(0)->set_value("\xff\xff");
  details.add_details()->set_type_url("type.googleapis.com/google.rpc.RetryInfo");
  details.mutable_details(1)->set_value("\xff");
  const CallError error = ReadError(WithDetails(grpc::StatusCode::INTERNAL, "m", details));
  EXPECT_EQ(error.reason, "");
  EXPECT_FALSE(error.retry_after.has_value());
}

TEST(CallError, BoundsTheNumberOfFields) {
  google::rpc::Status details;
  google::rpc::BadRequest bad_request;
  for (int i = 0; i < 1000; ++i) bad_request.add_field_violations()->set_field("f");
  details.add_details()->PackFrom(bad_request);
  EXPECT_EQ(ReadError(WithDetails(grpc::StatusCode::INTERNAL, "", details)).violations.size(), 50U);
}

}  // namespace
}  // namespace tokensvc::tokenctl
