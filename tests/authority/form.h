// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_FORM_H_
#define TOKENSVC_TESTS_AUTHORITY_FORM_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokensvc::devauth {

/// A decoded form: parameter name to value.
using Form = std::map<std::string, std::string>;

/// Decodes one application/x-www-form-urlencoded name or value. Refused: broken percent escapes,
/// and raw bytes that no encoder leaves unescaped (controls, space, quotes, non-ASCII).
absl::StatusOr<std::string> FormDecode(absl::string_view text);

/// Decodes a whole body. Refused besides: a pair without '=', an empty name, more than 64 pairs, a
/// parameter that occurs twice (RFC 6749 §3.2). Parameters with an empty value are left out, as
/// RFC 6749 §3.1 has it. Status texts name at most the parameter, never a value.
absl::StatusOr<Form> ParseForm(absl::string_view body);

/// Decodes a query string with the same rules, except that an empty one is fine.
absl::StatusOr<Form> ParseQuery(absl::string_view query);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_FORM_H_
