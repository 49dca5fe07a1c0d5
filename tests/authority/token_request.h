// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_TOKEN_REQUEST_H_
#define TOKENSVC_TESTS_AUTHORITY_TOKEN_REQUEST_H_

#include <memory>
#include <optional>
#include <string>

#include "tests/authority/client_registry.h"
#include "tests/authority/form.h"
#include "tests/authority/json.h"

namespace tokensvc::devauth {

/// Which family of endpoints a request came in by.
enum class Shape { kEntra, kOidc, kAdfs, kB2c };

/// Whether there are tenants, and scopes are `{resource}/.default`.
inline bool IsLikeEntra(Shape shape) { return shape == Shape::kEntra || shape == Shape::kB2c; }

/// A token request whose client is authenticated: what a grant handler works on.
struct TokenRequest {
  Shape shape = Shape::kEntra;
  std::string tenant_id;  ///< GUID; empty in the OIDC shape
  std::string issuer;
  Form form;
  std::shared_ptr<const RegisteredClient> client;
  Json claims;  ///< the `claims` parameter, an object; null where absent

  // What faults ask of the answer.
  std::optional<int> lifetime_seconds;
  bool same_token = false;

  /// The value of a form parameter; empty where absent.
  std::string Parameter(const std::string& name) const {
    const auto it = form.find(name);
    return it == form.end() ? "" : it->second;
  }
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_TOKEN_REQUEST_H_
