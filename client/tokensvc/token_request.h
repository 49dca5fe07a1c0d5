// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENSVC_TOKEN_REQUEST_H_
#define TOKENSVC_CLIENT_TOKENSVC_TOKEN_REQUEST_H_

#include <map>
#include <string>
#include <vector>

namespace tokensvc::client {

/// Which token is wanted: the fields of `AcquireForClientRequest`
/// (tokensvc/v1/token_service.proto), which says what each may hold. Tokens are bearer tokens (RFC
/// 6750).
struct TokenRequest {
  std::string registration;         ///< Required: the name of a client registration.
  std::string tenant;               ///< Empty: the registration's default tenant.
  std::vector<std::string> scopes;  ///< Required. Entra: one, `<resource>/.default`.
  std::string resource;             ///< RFC 8707 resource indicator; not for Entra.
  std::string audience;             ///< For authorities that want one; not for Entra.
  std::string client_claims;        ///< JSON; claims that the caller itself wants.
  std::map<std::string, std::string> extra_parameters;

  // What follows shapes one call, not the token that is kept.

  /// The claims challenge of a resource's 401, as it came. No cache is read, and the new token
  /// replaces the one that is kept.
  std::string claims_challenge;
  /// The same without a challenge: for a token that a resource refused, not for every call.
  bool force_refresh = false;
  /// An id of yours for logs, 1 to 64 characters of letters, digits, `-`, `_`, `.`; made where
  /// empty.
  std::string correlation_id;
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_TOKENSVC_TOKEN_REQUEST_H_
