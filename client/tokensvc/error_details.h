// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENSVC_ERROR_DETAILS_H_
#define TOKENSVC_CLIENT_TOKENSVC_ERROR_DETAILS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tokensvc/v1/errors.pb.h"

namespace tokensvc::client {

/// What the service said of a failure (tokensvc/v1/errors.proto). Every text in it comes from the
/// other side: escape it before it is shown.
struct ErrorDetails {
  struct FieldViolation {
    std::string field;
    std::string description;  ///< What to write instead.
  };

  /// The stable reason: branch on it. Unspecified where the service said none (nobody answered) or
  /// one that this library does not know yet; then branch on the status code.
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  std::string reason_name;     ///< As sent, for example `INTERACTION_REQUIRED`.
  std::string correlation_id;  ///< To find the call in the service's log.
  /// When trying again makes sense; none: it does not.
  std::optional<absl::Duration> retry_delay;
  std::vector<FieldViolation> field_violations;
  /// What the authority said, where it did: with the classification of the interaction that would
  /// help and the claims challenge to send back.
  std::optional<v1::AuthorityError> authority_error;
};

/// The details of a status that this library returned; what is absent, malformed or unknown is left
/// out.
ErrorDetails ErrorDetailsOf(const absl::Status& status);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_TOKENSVC_ERROR_DETAILS_H_
