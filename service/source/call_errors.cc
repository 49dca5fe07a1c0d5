// SPDX-License-Identifier: Apache-2.0
#include "service/source/call_errors.h"

namespace tokensvc {

Error Overloaded() {
  Error error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = Reason::kOverloaded;
  error.message = "too many calls wait in this replica, or too many for this tenant";
  error.retry_after = absl::Seconds(1);
  return error;
}

Error TooManyOfOneCaller() {
  Error error = Overloaded();
  error.reason = Reason::kQuotaExceeded;
  error.message = "too many calls of this caller wait in this replica";
  return error;
}

Error DeadlineCame() {
  Error error;
  error.code = absl::StatusCode::kDeadlineExceeded;
  error.reason = Reason::kDeadline;
  error.message =
      "the deadline came before the authority's answer; the request to it goes on, so a later call "
      "may find the token";
  return error;
}

Error CameTooLate() {
  return AuthorityUnavailable("the authority's answer came after the end of its token's life",
                              absl::Seconds(1));
}

}  // namespace tokensvc
