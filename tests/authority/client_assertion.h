// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_CLIENT_ASSERTION_H_
#define TOKENSVC_TESTS_AUTHORITY_CLIENT_ASSERTION_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/authority/client_registry.h"
#include "tests/authority/jwt.h"
#include "tests/authority/oauth_error.h"
#include "tests/authority/replay_cache.h"

namespace tokensvc::devauth {

/// How far a client's clock may be off.
inline constexpr absl::Duration kAssertionSkew = absl::Minutes(1);
/// The longest life of an assertion that is accepted, skew not counted.
inline constexpr absl::Duration kMaxAssertionLife = absl::Minutes(10);

/// Verifies `assertion` (RFC 7523 §3) as proof of `client`: algorithm and signature by the
/// registered certificate that `x5t#S256` or `x5t` names, `x5c` leaf equal to it where present,
/// `iss` = `sub` = client id, `aud` = `token_endpoint` and nothing else, times, `jti` never seen.
/// The refusal, or nothing where it holds.
std::optional<OAuthError> VerifyClientAssertion(const ParsedJwt& assertion,
                                                const RegisteredClient& client,
                                                absl::string_view token_endpoint, absl::Time now,
                                                ReplayCache& replays);

/// The same for an assertion that another issuer signed for a subject of its own: signature,
/// issuer, subject and audience as one of the client's federated identities says, and `exp`. May be
/// presented any number of times, as at Entra.
std::optional<OAuthError> VerifyFederatedAssertion(const ParsedJwt& assertion,
                                                   const RegisteredClient& client, absl::Time now);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_CLIENT_ASSERTION_H_
