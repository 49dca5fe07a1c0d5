// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_PRINTING_H_
#define TOKENSVC_CLIENT_TOKENCTL_PRINTING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/tokenctl/jwt_decode.h"
#include "tokensvc/v1/token_service.pb.h"

namespace tokensvc::tokenctl {

// What tokenctl says of an answer. Text ends in a line end and is safe for a terminal whatever the
// server sent; JSON is one document in ASCII and a line end. Tokens and header values are in
// neither, unless `show_token`; a JWT's header and claims always are, its signature never is.

std::string AcquireText(const v1::AcquireForClientResponse& response, bool show_token,
                        absl::Time now);
std::string AcquireJson(const v1::AcquireForClientResponse& response, bool show_token,
                        absl::Time now);

std::string HeaderText(const v1::CreateAuthorizationHeaderResponse& response, bool show_token,
                       absl::Time now);
std::string HeaderJson(const v1::CreateAuthorizationHeaderResponse& response, bool show_token,
                       absl::Time now);

/// What `decode` prints of a JWT; says that nothing was verified.
std::string DecodedText(const DecodedJwt& jwt, absl::Time now);
std::string DecodedJson(const DecodedJwt& jwt);

/// `local cache` for TOKEN_SOURCE_LOCAL_CACHE, and so on.
std::string SourceName(v1::TokenSource source);

/// `2026-07-30T12:00:00Z (in 59m58s)`.
std::string TimeText(absl::Time time, absl::Time now);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_PRINTING_H_
