// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_JSON_TEXT_H_
#define TOKENSVC_SERVICE_TELEMETRY_JSON_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokensvc {

/// Text that is longer is cut in lines of logs and audit records.
inline constexpr std::size_t kMaxJsonTextBytes = 2048;

/// Appends `text` as a JSON string (RFC 8259 §7), in quotes: whatever stands in it, the line stays
/// one line of valid UTF-8. What is no UTF-8 becomes U+FFFD.
void AppendJsonText(absl::string_view text, std::string* out);

/// RFC 3339, in UTC, with microseconds.
std::string JsonTime(absl::Time time);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_JSON_TEXT_H_
