// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_BASE64URL_H_
#define TOKENSVC_SERVICE_JOSE_BASE64URL_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// base64url without padding (RFC 7515 §2).
std::string Base64Url(absl::string_view bytes);

/// The bytes that `text` stands for; nullopt where `Base64Url` of them would not be `text` again:
/// padding, white space, letters of the other alphabet, or bits behind the last byte that are not
/// zero. So one sequence of bytes has one spelling, and a token cannot be varied without breaking
/// it.
std::optional<std::string> DecodeBase64Url(absl::string_view text);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_BASE64URL_H_
