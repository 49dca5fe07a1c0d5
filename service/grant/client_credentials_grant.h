// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_GRANT_CLIENT_CREDENTIALS_GRANT_H_
#define TOKENSVC_SERVICE_GRANT_CLIENT_CREDENTIALS_GRANT_H_

#include <string>
#include <utility>
#include <vector>

#include "service/grant/grant.h"

namespace tokensvc {

/// The client-credentials grant (RFC 6749 §4.4): the application asks for itself.
class ClientCredentialsGrant final : public Grant {
 public:
  struct Params {
    std::string scope;     ///< Space-separated (RFC 6749 §3.3); empty: not sent.
    std::string resource;  ///< RFC 8707; empty: not sent.
    std::string audience;  ///< As some authorities want it; empty: not sent.
    std::string claims;    ///< JSON (OpenID Connect Core §5.5); empty: not sent.
    /// Names and values that the registration allows beyond these, sorted by name.
    std::vector<std::pair<std::string, std::string>> extra_parameters;
  };

  explicit ClientCredentialsGrant(Params params) : params_(std::move(params)) {}

  absl::string_view name() const override { return "client_credentials"; }
  void AppendTo(TokenRequestForm& form) const override;

 private:
  const Params params_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_GRANT_CLIENT_CREDENTIALS_GRANT_H_
