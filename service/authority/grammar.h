// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_GRAMMAR_H_
#define TOKENSVC_SERVICE_AUTHORITY_GRAMMAR_H_

#include "absl/strings/string_view.h"

namespace tokensvc {

/// Whether `text` has the shape of a UUID: 8-4-4-4-12 hexadecimal digits (RFC 4122 §3).
bool IsUuidShaped(absl::string_view text);

/// Whether `text` has nothing but visible ASCII (0x21 to 0x7e) in it. True of an empty text.
bool IsVisibleAscii(absl::string_view text);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_GRAMMAR_H_
