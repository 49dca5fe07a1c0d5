// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_FORM_URL_H_
#define TOKENSVC_BASE_FORM_URL_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// `value` in application/x-www-form-urlencoded (RFC 6749 Appendix B): letters, digits, `-._*`
/// stay, a space is `+`, every other byte is `%XX`.
std::string FormUrlEncode(absl::string_view value);

/// Appends `name=value`, both encoded, with `&` where something stands before it. Empty values are
/// written too: who calls decides what to leave out.
void AppendFormField(absl::string_view name, absl::string_view value, std::string* body);

/// `value` percent-encoded for one path segment of a URI (RFC 3986 §3.3): only unreserved
/// characters stay.
std::string PathSegmentEncode(absl::string_view value);

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_FORM_URL_H_
