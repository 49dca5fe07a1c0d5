// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_TOKEN_ENDPOINT_H_
#define TOKENSVC_TESTS_AUTHORITY_TOKEN_ENDPOINT_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/authority/client_registry.h"
#include "tests/authority/fault.h"
#include "tests/authority/form.h"
#include "tests/authority/grant_handler.h"
#include "tests/authority/http_message.h"
#include "tests/authority/oauth_error.h"
#include "tests/authority/replay_cache.h"
#include "tests/authority/tenants.h"
#include "tests/authority/token_issuer.h"
#include "tests/authority/token_request.h"

namespace tokensvc::devauth {

/// Where a token request came in.
struct TokenRoute {
  Shape shape = Shape::kEntra;
  std::string tenant;  ///< as in the URL; `oidc` in the OIDC shape, `adfs` in that of AD FS
  std::string policy;  ///< of B2C
  std::string base;    ///< scheme and host that the client used
  std::string token_endpoint;
};

/// The checks that come before and around every grant. Thread-safe.
class TokenEndpoint {
 public:
  TokenEndpoint(const ClientRegistry& registry, TokenIssuer& issuer, std::vector<Tenant> tenants,
                std::vector<std::string> resources);

  /// The success body or the refusal. `form` is the body as ParseForm() gave it.
  std::variant<Json, OAuthError> Handle(const HttpRequest& http, const TokenRoute& route,
                                        const absl::StatusOr<Form>& form,
                                        const std::optional<Fault>& fault);

 private:
  const ClientRegistry& registry_;
  TokenIssuer& issuer_;
  const std::vector<Tenant> tenants_;
  GrantTable grants_;
  ReplayCache replays_;
};

/// The answer that carries `body` or the refusal in the shape of the route.
HttpReply RenderTokenReply(const std::variant<Json, OAuthError>& result, const HttpRequest& http,
                           Shape shape, absl::Time now);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_TOKEN_ENDPOINT_H_
