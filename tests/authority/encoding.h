// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_ENCODING_H_
#define TOKENSVC_TESTS_AUTHORITY_ENCODING_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc::devauth {

/// base64url without padding (RFC 7515 §2).
std::string Base64UrlEncode(absl::string_view bytes);

/// The one canonical unpadded base64url spelling, or nothing: padding, the standard alphabet,
/// white space and stray bits are refused.
std::optional<std::string> Base64UrlDecode(absl::string_view text);

/// Canonical padded standard base64 (HTTP Basic, `x5c`), or nothing.
std::optional<std::string> Base64Decode(absl::string_view text);

/// Raw digests.
std::string Sha1(absl::string_view bytes);
std::string Sha256(absl::string_view bytes);

/// A random (version 4) UUID in lower case.
std::string RandomUuid();

/// A UUID that is always the same for the same text; stands for a directory's object ids.
std::string UuidFromText(absl::string_view text);

/// Compares without telling by its duration where (or whether in length) the two differ.
bool ConstantTimeEquals(absl::string_view a, absl::string_view b);

/// True for 8-4-4-4-12 hexadecimal digits.
bool IsGuid(absl::string_view text);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_ENCODING_H_
