// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/error_details.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/rpc/grpc_status.h"
#include "rpc/error_detail_messages.pb.h"

namespace tokensvc::client {
namespace {

constexpr char kDomain[] = "tokensvc";
// The contract keeps all details under 4 KiB; this bounds what somebody else may send.
constexpr std::size_t kMaxDetailsBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxViolations = 50;
constexpr std::size_t kMaxCorrelationId = 64;

void Read(const wire::ErrorInfo& info, ErrorDetails* details) {
  if (info.domain() != kDomain) return;
  details->reason_name = info.reason();
  v1::ErrorReason reason;
  if (v1::ErrorReason_Parse(absl::StrCat("ERROR_REASON_", info.reason()), &reason)) {
    details->reason = reason;
  }
  const auto id = info.metadata().find("correlation_id");
  if (id != info.metadata().end() && id->second.size() <= kMaxCorrelationId) {
    details->correlation_id = id->second;
  }
}

void Read(const wire::BadRequest& bad_request, ErrorDetails* details) {
  for (const auto& violation : bad_request.field_violations()) {
    if (details->field_violations.size() == kMaxViolations) break;
    details->field_violations.push_back({violation.field(), violation.description()});
  }
}

void Read(const wire::RetryInfo& info, ErrorDetails* details) {
  if (!info.has_retry_delay()) return;
  details->retry_delay =
      absl::Seconds(info.retry_delay().seconds()) + absl::Nanoseconds(info.retry_delay().nanos());
}

void Read(const v1::AuthorityError& error, ErrorDetails* details) {
  details->authority_error = error;
}

/// Whether `any` has the name; it is read where it also parses.
template <class Message>
bool ReadAs(const char* name, const google::protobuf::Any& any, ErrorDetails* details) {
  if (!absl::EndsWith(any.type_url(), absl::StrCat("/", name))) return false;
  Message message;
  if (message.ParseFromString(any.value())) Read(message, details);
  return true;
}

}  // namespace

ErrorDetails ErrorDetailsOf(const absl::Status& status) {
  ErrorDetails details;
  const absl::optional<absl::Cord> payload = status.GetPayload(kDetailsPayload);
  if (!payload.has_value() || payload->size() > kMaxDetailsBytes) return details;
  wire::Status message;
  if (!message.ParseFromString(std::string(*payload))) return details;
  for (const google::protobuf::Any& any : message.details()) {
    ReadAs<wire::ErrorInfo>("google.rpc.ErrorInfo", any, &details) ||
        ReadAs<wire::BadRequest>("google.rpc.BadRequest", any, &details) ||
        ReadAs<wire::RetryInfo>("google.rpc.RetryInfo", any, &details) ||
        ReadAs<v1::AuthorityError>("tokensvc.v1.AuthorityError", any, &details);
  }
  return details;
}

absl::Status ToAbslStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());  // The same numbers.
  absl::Status bare(code, status.error_message());
  if (status.error_details().empty() || status.error_details().size() > kMaxDetailsBytes) {
    return bare;
  }
  bare.SetPayload(kDetailsPayload, absl::Cord(status.error_details()));
  const ErrorDetails details = ErrorDetailsOf(bare);
  if (details.reason_name.empty()) return bare;
  absl::Status full(code, absl::StrCat(status.error_message(), " (", details.reason_name,
                                       ", correlation id ", details.correlation_id, ")"));
  full.SetPayload(kDetailsPayload, absl::Cord(status.error_details()));
  return full;
}

}  // namespace tokensvc::client
