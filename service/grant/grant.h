// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_GRANT_GRANT_H_
#define TOKENSVC_SERVICE_GRANT_GRANT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/secret.h"

namespace tokensvc {

/// Parameters of a token request, in the order in which they are sent.
using TokenRequestForm = std::vector<std::pair<std::string, Secret>>;

/// What is proved to the authority to get a token (RFC 6749 §1.3): by the application, or for a
/// user. How the *client* proves itself is the business of `ClientCredential`; every pair of the
/// two works.
class Grant {
 public:
  virtual ~Grant() = default;
  /// A short name for metrics, logs and policy: `client_credentials`.
  virtual absl::string_view name() const = 0;
  /// Adds `grant_type` and the grant's own parameters.
  virtual void AppendTo(TokenRequestForm& form) const = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_GRANT_GRANT_H_
