// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_MAKE_JWT_AUTHENTICATOR_H_
#define TOKENSVC_SERVICE_MAKE_JWT_AUTHENTICATOR_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/worker_pool.h"
#include "service/access/jwt_authenticator.h"
#include "service/access/refreshing_issuer_keys.h"
#include "service/http/http_transport.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// The JWT issuers of a configuration, each with its keys, which all listeners share. Not
/// thread-safe; what it makes is.
class JwtIssuers {
 public:
  /// All outlive the loop's run; `transport` belongs to the loop of `keys`.
  struct Dependencies {
    RefreshingIssuerKeys::Environment keys;
    HttpTransport& transport;
    WorkerPool& workers;
  };

  /// Reads files of keys with blocking calls, and asks the other issuers for theirs behind the
  /// caller's back. Fails where a file changed for the worse since validation.
  static absl::StatusOr<JwtIssuers> Make(const config::v1::ServiceConfig& config,
                                         const Dependencies& dependencies);

  /// For a listener that takes the JWTs of the issuers it names.
  std::shared_ptr<JwtAuthenticator> AuthenticatorFor(const config::v1::JwtCallers& callers,
                                                     const Clock& clock, JwtMetrics& metrics) const;

 private:
  std::map<std::string, TrustedIssuer> issuers_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_MAKE_JWT_AUTHENTICATOR_H_
