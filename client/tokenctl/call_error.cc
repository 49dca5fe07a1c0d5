// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/call_error.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/json.h"
#include "client/tokenctl/reason_advice.h"
#include "client/tokenctl/row_text.h"
#include "client/tokenctl/terminal_text.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"

namespace tokensvc::tokenctl {
namespace {

constexpr char kDomain[] = "tokensvc";
// The contract keeps all details under 4 KiB; this bounds what somebody else may send.
constexpr std::size_t kMaxDetailsBytes = std::size_t{64} << 10;
constexpr int kMaxViolations = 50;

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

void ReadDetail(const google::protobuf::Any& any, CallError* error) {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
  google::rpc::RetryInfo retry;
  v1::AuthorityError authority;
  if (absl::EndsWith(any.type_url(), "/google.rpc.ErrorInfo")) {
    if (!info.ParseFromString(any.value()) || info.domain() != kDomain) return;
    error->reason = info.reason();
    const auto id = info.metadata().find("correlation_id");
    if (id != info.metadata().end()) error->correlation_id = id->second;
  } else if (any.UnpackTo(&bad_request)) {
    for (const auto& violation : bad_request.field_violations()) {
      if (static_cast<int>(error->violations.size()) == kMaxViolations) break;
      error->violations.emplace_back(violation.field(), violation.description());
    }
  } else if (any.UnpackTo(&retry)) {
    if (retry.has_retry_delay()) error->retry_after = ToDuration(retry.retry_delay());
  } else if (any.UnpackTo(&authority)) {
    error->authority = authority;
  }
}

std::string ClassificationName(v1::InteractionClassification value) {
  if (value == v1::INTERACTION_CLASSIFICATION_UNSPECIFIED) return "";
  const std::string& name = v1::InteractionClassification_Name(value);
  return std::string(absl::StripPrefix(name, "INTERACTION_CLASSIFICATION_"));
}

std::string Advice(const CallError& error) {
  const absl::string_view known = AdviceForReason(error.reason);
  return std::string(known.empty() ? AdviceForStatus(error.code) : known);
}

void AppendAuthority(const v1::AuthorityError& authority, std::string* text) {
  std::string said = authority.error();
  if (!authority.suberror().empty()) absl::StrAppend(&said, " / ", authority.suberror());
  if (authority.error_codes_size() > 0) {
    absl::StrAppend(&said, " (",
                    absl::StrJoin(authority.error_codes(), ", ",
                                  [](std::string* out, std::int64_t code) {
                                    absl::StrAppend(out, "AADSTS", code);
                                  }),
                    ")");
  }
  if (authority.http_status() != 0) absl::StrAppend(&said, ", HTTP ", authority.http_status());
  AppendRow("authority", said, text);
  AppendRow("  needs", ClassificationName(authority.classification()), text);
  AppendRow("  claims", authority.claims_challenge(), text);
  AppendRow("  correlation", authority.correlation_id(), text);
  AppendRow("  trace", authority.trace_id(), text);
}

Json AuthorityJson(const v1::AuthorityError& authority) {
  Json json = {{"error", authority.error()}, {"http_status", authority.http_status()}};
  if (!authority.suberror().empty()) json["suberror"] = authority.suberror();
  for (const std::int64_t code : authority.error_codes()) json["error_codes"].push_back(code);
  const std::string classification = ClassificationName(authority.classification());
  if (!classification.empty()) json["classification"] = classification;
  if (!authority.claims_challenge().empty())
    json["claims_challenge"] = authority.claims_challenge();
  if (!authority.correlation_id().empty()) json["correlation_id"] = authority.correlation_id();
  if (!authority.trace_id().empty()) json["trace_id"] = authority.trace_id();
  return json;
}

}  // namespace

CallError ReadError(const grpc::Status& status) {
  CallError error;
  error.code = status.error_code();
  error.message = status.error_message();
  google::rpc::Status details;
  if (status.error_details().size() <= kMaxDetailsBytes &&
      details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& any : details.details()) ReadDetail(any, &error);
  }
  return error;
}

ExitCode ExitCodeOf(const CallError& error) {
  if (!error.reason.empty()) return kExitRefused;
  return error.code == grpc::StatusCode::UNAVAILABLE ||
                 error.code == grpc::StatusCode::DEADLINE_EXCEEDED
             ? kExitUnreachable
             : kExitRefused;
}

std::string ErrorText(const CallError& error) {
  std::string text = ExitCodeOf(error) == kExitUnreachable
                         ? "tokenctl: no answer of a Token Service\n"
                         : "tokenctl: the server refused the call\n";
  AppendRow("status", StatusName(error.code), &text);
  AppendRow("reason", error.reason, &text);
  AppendRow("message", error.message, &text);
  for (const auto& [field, description] : error.violations) {
    AppendRow("field", absl::StrCat(field, ": ", description), &text);
  }
  if (error.authority.has_value()) AppendAuthority(*error.authority, &text);
  if (error.retry_after.has_value()) {
    AppendRow("retry after", absl::FormatDuration(*error.retry_after), &text);
  }
  AppendRow("correlation", error.correlation_id, &text);
  AppendRow("what to do", Advice(error), &text);
  return text;
}

std::string ErrorJson(const CallError& error) {
  Json json = {{"status", std::string(StatusName(error.code))},
               {"message", error.message},
               {"advice", Advice(error)}};
  if (!error.reason.empty()) json["reason"] = error.reason;
  if (!error.correlation_id.empty()) json["correlation_id"] = error.correlation_id;
  for (const auto& [field, description] : error.violations) {
    json["field_violations"].push_back(
        Json::object({{"field", field}, {"description", description}}));
  }
  if (error.retry_after.has_value()) {
    json["retry_after_seconds"] = absl::ToDoubleSeconds(*error.retry_after);
  }
  if (error.authority.has_value()) json["authority"] = AuthorityJson(*error.authority);
  Json document;
  document["error"] = json;
  return JsonText(document) + "\n";
}

}  // namespace tokensvc::tokenctl
