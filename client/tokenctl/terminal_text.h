// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_TERMINAL_TEXT_H_
#define TOKENSVC_CLIENT_TOKENCTL_TERMINAL_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "google/protobuf/timestamp.pb.h"

namespace tokensvc::tokenctl {

/// `text` from outside, fit for a terminal: one line, in which every control character (C0, DEL,
/// C1), every invisible or direction-changing character, every line separator and every byte that
/// is not UTF-8 is written as `\xNN` or `\u{NNNN}`, and a backslash as `\\`. Longer than
/// `max_bytes` is cut, and says so.
std::string EscapeForTerminal(absl::string_view text, std::size_t max_bytes = 8192);

/// `value` as JSON text in printable ASCII (everything else as `\uNNNN`); bytes that are no UTF-8
/// become U+FFFD. `indent` < 0: on one line.
std::string JsonText(const Json& value, int indent = 2);

/// The instant of a protobuf timestamp; out-of-range ones saturate.
absl::Time ToTime(const google::protobuf::Timestamp& timestamp);

/// `2026-07-30T12:00:00Z`.
std::string AbsoluteTime(absl::Time time);

/// `in 59m58s` or `3s ago`: whole seconds, at most two units.
std::string RelativeTime(absl::Time time, absl::Time now);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_TERMINAL_TEXT_H_
