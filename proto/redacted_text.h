// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_PROTO_REDACTED_TEXT_H_
#define TOKENSVC_PROTO_REDACTED_TEXT_H_

#include <string>

#include "google/protobuf/message.h"

namespace tokensvc {

/// How `RedactedText` lays a message out.
enum class RedactedLayout {
  /// `a: 1 b { c: "x" }`, for logs.
  kOneLine,
  /// One field per line, indented by two spaces, each line ended; for people.
  kLines,
};

/// `message` as text for logs and terminals, without its secrets. Every field that carries the
/// option
/// `(tokensvc.v1.sensitive)` is shown as `<redacted, N bytes>`: at any depth, each element of a
/// repeated field and each entry of a map for itself (key and value). What a reader can't know to
/// be harmless stays out: unknown fields are dropped, of a `google.protobuf.Any` only type and size
/// are shown, and what lies deeper than 64 levels is `{ <too deep> }`.
///
/// Strings and bytes are escaped to printable ASCII. Made for reading: the format may change, and
/// it is not parseable text format. Thread-safe.
std::string RedactedText(const google::protobuf::Message& message,
                         RedactedLayout layout = RedactedLayout::kOneLine);

}  // namespace tokensvc

#endif  // TOKENSVC_PROTO_REDACTED_TEXT_H_
