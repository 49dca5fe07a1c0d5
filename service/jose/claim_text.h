// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_CLAIM_TEXT_H_
#define TOKENSVC_SERVICE_JOSE_CLAIM_TEXT_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "base/json.h"

namespace tokensvc {

/// What stands for a tenant's id in the issuers of Entra's multi-tenant metadata.
inline constexpr absl::string_view kTenantTemplate = "{tenantid}";

/// The most that a text in a JWT or a JWK may have which becomes an id or is compared with one.
inline constexpr std::size_t kMaxClaimBytes = 1024;

/// Whether `value` is a string fit for an id: 1 to 1024 bytes of UTF-8, without control characters
/// (C0, DEL, C1; so no NUL either), which would let two ids look alike, or break a log line.
bool IsClaimText(const Json& value);

/// Whether `text` is a UUID in its usual 36 characters, of either case.
bool IsUuidText(absl::string_view text);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_CLAIM_TEXT_H_
