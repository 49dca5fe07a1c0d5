// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_CORE_REQUEST_KEY_H_
#define TOKENSVC_CLIENT_CORE_REQUEST_KEY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tokensvc/token_request.h"

namespace tokensvc::client {

/// The canonical bytes of every field that shapes the token: each length-prefixed, so that no two
/// requests for different tokens meet; scopes as a set. What shapes one call only (challenge,
/// forced refresh, correlation id) is not in it.
std::string RequestKey(const TokenRequest& request);

/// Whether the request asks for a new token whatever is kept.
inline bool IsForced(const TokenRequest& request) {
  return request.force_refresh || !request.claims_challenge.empty();
}

/// Under which forced requests share a call: the same token, and the same challenge.
std::string ForcedRequestKey(absl::string_view request_key, const TokenRequest& request);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_CORE_REQUEST_KEY_H_
