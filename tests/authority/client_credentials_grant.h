// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_CLIENT_CREDENTIALS_GRANT_H_
#define TOKENSVC_TESTS_AUTHORITY_CLIENT_CREDENTIALS_GRANT_H_

#include <utility>

#include "tests/authority/grant_handler.h"

namespace tokensvc::devauth {

/// RFC 6749 §4.4. Entra shape: `scope` is exactly one `{resource}/.default`, and the audience is
/// the resource as written (`https://x//.default` gives `https://x/`). OIDC shape: any RFC 6749
/// §3.3 scope or none; the audience is `audience`, else `resource` (RFC 8707), else the client id.
/// AD FS shape: any scope or none; the audience is `resource`, else what stands in front of the
/// first scope's last slash.
class ClientCredentialsGrant : public GrantHandler {
 public:
  explicit ClientCredentialsGrant(GrantDependencies dependencies)
      : dependencies_(std::move(dependencies)) {}

  std::variant<Json, OAuthError> Handle(const TokenRequest& request) override;

 private:
  std::variant<Json, OAuthError> HandleEntra(const TokenRequest& request);
  std::variant<Json, OAuthError> HandleAdfs(const TokenRequest& request);
  std::variant<Json, OAuthError> HandleOidc(const TokenRequest& request);

  GrantDependencies dependencies_;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_CLIENT_CREDENTIALS_GRANT_H_
