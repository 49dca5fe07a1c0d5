// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_RETRY_AFTER_H_
#define TOKENSVC_SERVICE_AUTHORITY_RETRY_AFTER_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokensvc {

/// The longest wait that we take from an authority: a mistaken header must not lock a tenant out
/// for a day.
inline constexpr absl::Duration kMaxRetryAfter = absl::Hours(1);

/// How long a `Retry-After` header says to wait (RFC 9110 §10.2.3): seconds, or a date in any of
/// the three forms of RFC 9110 §5.6.7, counted from `now`. Between 1 s (0 would be a busy loop) and
/// `kMaxRetryAfter`. nullopt for what is malformed, negative or in the past.
std::optional<absl::Duration> ParseRetryAfter(absl::string_view header, absl::Time now);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_RETRY_AFTER_H_
