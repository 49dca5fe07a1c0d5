// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_CLIENT_AUTHENTICATION_H_
#define TOKENSVC_TESTS_AUTHORITY_CLIENT_AUTHENTICATION_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/authority/client_registry.h"
#include "tests/authority/form.h"
#include "tests/authority/oauth_error.h"
#include "tests/authority/replay_cache.h"

namespace tokensvc::devauth {

/// What a token request says about who sends it.
struct PresentedClient {
  const Form& form;
  absl::string_view authorization;  ///< the Authorization header; empty where absent
  absl::string_view token_endpoint;
};

/// The client id that the request claims, by whatever method, unverified; empty where it has none.
/// For counters and for the scope of faults.
std::string ClaimedClientId(const Form& form, absl::string_view authorization);

/// Authenticates the client by exactly one of client_secret_post, client_secret_basic (both parts
/// form-decoded, RFC 6749 §2.3.1) and client_assertion (RFC 7523).
std::variant<std::shared_ptr<const RegisteredClient>, OAuthError> AuthenticateClient(
    const PresentedClient& presented, const ClientRegistry& registry, absl::Time now,
    ReplayCache& replays);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_CLIENT_AUTHENTICATION_H_
