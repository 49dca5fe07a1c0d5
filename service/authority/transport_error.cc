// SPDX-License-Identifier: Apache-2.0
#include "service/authority/transport_error.h"

#include "absl/strings/str_cat.h"

namespace tokensvc {

Error FromTransport(const absl::Status& status, absl::string_view authority,
                    absl::Duration retry_after) {
  const std::string who = absl::StrCat("authority \"", authority, "\"");
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return AuthorityUntrusted(absl::StrCat("the TLS certificate of ", who, " is refused"));
    case absl::StatusCode::kPermissionDenied:
      return AuthorityUntrusted(
          absl::StrCat(who, " points at an address that it may not point at"));
    case absl::StatusCode::kOutOfRange:
      return AuthorityResponseInvalid(absl::StrCat(who, " sent an answer that is too large"),
                                      retry_after);
    case absl::StatusCode::kDeadlineExceeded:
      return AuthorityUnavailable(absl::StrCat(who, " did not answer in time"), retry_after);
    case absl::StatusCode::kResourceExhausted: {
      Error error;
      error.code = absl::StatusCode::kResourceExhausted;
      error.reason = Reason::kOverloaded;
      error.message = absl::StrCat("too many requests to ", who, " wait already");
      error.retry_after = absl::Seconds(1);
      return error;
    }
    case absl::StatusCode::kInvalidArgument: {
      Error error;
      error.message = absl::StrCat("the request to ", who, " could not be made");
      return error;
    }
    default:
      return AuthorityUnavailable(absl::StrCat(who, " can't be reached"), retry_after);
  }
}

}  // namespace tokensvc
