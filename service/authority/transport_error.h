// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_TRANSPORT_ERROR_H_
#define TOKENSVC_SERVICE_AUTHORITY_TRANSPORT_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/authority/error.h"

namespace tokensvc {

/// What a failure of `HttpTransport::Send` means to a caller. `authority` is the configuration's
/// name, for the message; the status' own text goes to nobody. `status` is not OK.
///   - the TLS certificate or the address refused  → kAuthorityUntrusted
///   - the answer too large                        → kAuthorityResponseInvalid, with `retry_after`
///   - the transport's own queue full              → kOverloaded, after 1 s
///   - the request malformed                       → kInternal: ours to get right
///   - unreachable, slow, everything else          → kAuthorityUnavailable, with `retry_after`
Error FromTransport(const absl::Status& status, absl::string_view authority,
                    absl::Duration retry_after = kDefaultRetryAfter);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_TRANSPORT_ERROR_H_
