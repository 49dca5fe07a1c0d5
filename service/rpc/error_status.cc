// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/error_status.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "tokensvc/v1/errors.pb.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxDetailBytes = 4000;
constexpr std::size_t kMaxMessageBytes = 512;

v1::InteractionClassification ToProto(InteractionClassification classification) {
  switch (classification) {
    case InteractionClassification::kBasicAction:
      return v1::INTERACTION_CLASSIFICATION_BASIC_ACTION;
    case InteractionClassification::kAdditionalAction:
      return v1::INTERACTION_CLASSIFICATION_ADDITIONAL_ACTION;
    case InteractionClassification::kMessageOnly:
      return v1::INTERACTION_CLASSIFICATION_MESSAGE_ONLY;
    case InteractionClassification::kConsentRequired:
      return v1::INTERACTION_CLASSIFICATION_CONSENT_REQUIRED;
    case InteractionClassification::kUserPasswordExpired:
      return v1::INTERACTION_CLASSIFICATION_USER_PASSWORD_EXPIRED;
    case InteractionClassification::kNone:
      break;
  }
  return v1::INTERACTION_CLASSIFICATION_UNSPECIFIED;
}

/// Adds `detail` where it still fits.
void Add(const google::protobuf::Message& detail, google::rpc::Status& status) {
  google::protobuf::Any packed;
  packed.PackFrom(detail);
  // Tag and length of the repeated field take at most four bytes at these sizes.
  if (status.ByteSizeLong() + packed.ByteSizeLong() + 4 > kMaxDetailBytes) return;
  *status.add_details() = std::move(packed);
}

void AddAuthorityError(const AuthorityErrorInfo& info, google::rpc::Status& status) {
  v1::AuthorityError detail;
  detail.set_error(info.error);
  detail.set_suberror(info.suberror);
  for (const std::int64_t code : info.codes) detail.add_error_codes(code);
  detail.set_correlation_id(info.correlation_id);
  detail.set_trace_id(info.trace_id);
  detail.set_classification(ToProto(info.classification));
  detail.set_claims_challenge(info.claims_challenge);
  detail.set_http_status(info.http_status);
  Add(detail, status);
}

}  // namespace

grpc::Status ToGrpcStatus(const Error& error, absl::string_view correlation_id) {
  google::rpc::Status status;
  const auto code = static_cast<grpc::StatusCode>(error.code);
  status.set_code(static_cast<int>(code));
  status.set_message(error.message.substr(0, kMaxMessageBytes));

  google::rpc::ErrorInfo info;
  info.set_domain("tokensvc");
  info.set_reason(std::string(ReasonName(error.reason)));
  (*info.mutable_metadata())["correlation_id"] = std::string(correlation_id);
  Add(info, status);

  if (error.retry_after.has_value()) {
    google::rpc::RetryInfo retry;
    const absl::Duration delay = std::max(*error.retry_after, absl::ZeroDuration());
    const std::int64_t seconds = absl::ToInt64Seconds(delay);
    retry.mutable_retry_delay()->set_seconds(seconds);
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int>(absl::ToInt64Nanoseconds(delay - absl::Seconds(seconds))));
    Add(retry, status);
  }
  // What the caller has to act on comes first: it is what must fit.
  if (error.authority != nullptr) AddAuthorityError(*error.authority, status);
  if (!error.violations.empty()) {
    google::rpc::BadRequest bad;
    std::size_t bytes = 0;
    for (const FieldViolation& violation : error.violations) {
      bytes += violation.field.size() + violation.description.size() + 8;
      if (bytes > kMaxDetailBytes / 2) break;
      auto* field = bad.add_field_violations();
      field->set_field(violation.field);
      field->set_description(violation.description);
    }
    Add(bad, status);
  }
  return grpc::Status(code, status.message(), status.SerializeAsString());
}

}  // namespace tokensvc
