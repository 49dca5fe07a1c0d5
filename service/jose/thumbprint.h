// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_THUMBPRINT_H_
#define TOKENSVC_SERVICE_JOSE_THUMBPRINT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "service/jose/base64url.h"

namespace tokensvc {

/// The 32 bytes of SHA-256 over `bytes`.
std::string Sha256(absl::string_view bytes);

/// `x5t` (RFC 7515 §4.1.7): base64url of SHA-1 over a certificate's DER. An identifier, not a
/// protection: SHA-1's collisions do not matter here.
std::string X5t(absl::string_view der);

/// `x5t#S256` (RFC 7515 §4.1.8): base64url of SHA-256 over a certificate's DER.
std::string X5tS256(absl::string_view der);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_THUMBPRINT_H_
