// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_CALLER_H_
#define TOKENSVC_SERVICE_ACCESS_CALLER_H_

#include <string>

namespace tokensvc {

/// The workload that asks, as its listener established it.
struct Caller {
  /// What policy, quotas, audit and ownership know it by, in one of the forms
  /// `spiffe://TRUST-DOMAIN/PATH`, `uri:URI`, `dns:NAME` (from a client certificate),
  /// `jwt:ISSUER-NAME:SUBJECT`, `jwt:ISSUER-NAME:TENANT:SUBJECT` (from a JWT) and `local:NAME` (whoever reaches a listener on
  /// loopback or a Unix socket, by its configuration). Never empty.
  std::string id;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_CALLER_H_
