// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_GRANT_HANDLER_H_
#define TOKENSVC_TESTS_AUTHORITY_GRANT_HANDLER_H_

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tests/authority/json.h"
#include "tests/authority/oauth_error.h"
#include "tests/authority/token_issuer.h"
#include "tests/authority/token_request.h"

namespace tokensvc::devauth {

/// What one grant does once the client is authenticated. Implementations are thread-safe.
class GrantHandler {
 public:
  virtual ~GrantHandler() = default;
  /// The success body, or the refusal.
  virtual std::variant<Json, OAuthError> Handle(const TokenRequest& request) = 0;
};

/// What the handlers share.
struct GrantDependencies {
  TokenIssuer& issuer;
  std::vector<std::string> known_resources;  ///< empty: every resource exists
};

/// The value of `grant_type` to its handler.
using GrantTable = std::map<std::string, std::unique_ptr<GrantHandler>>;

/// All grants of this authority; a new grant is one class in a file of its own and one line here.
GrantTable MakeGrantTable(const GrantDependencies& dependencies);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_GRANT_HANDLER_H_
