// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENSVC_CONNECTION_OPTIONS_H_
#define TOKENSVC_CLIENT_TOKENSVC_CONNECTION_OPTIONS_H_

#include <string>

#include "absl/time/time.h"

namespace tokensvc::client {

/// How to reach the service, and who the client is.
///
/// The files are followed, however they are replaced (by a rename, in place, by Kubernetes' link):
/// the next call after a change goes over a connection with the new certificate, key and CAs, and
/// carries the new JWT; calls that run end on the connection that they have. What is missing, half
/// written, does not fit together or (a new certificate) is expired is not taken over: what was
/// read last stays in force, and the error of a call that fails for it says why.
struct ConnectionOptions {
  /// HOST:PORT, [IPV6]:PORT or unix:PATH. A name with several addresses: calls go to all in turn.
  std::string address;
  /// No TLS; for loopback only, anything else is refused. A Unix socket never has TLS.
  bool plaintext = false;
  /// PEM. Whom to trust; empty: the system's trust store, as it is when the client is made.
  std::string ca_file;
  /// PEM, the key without a pass phrase. What the client shows of itself in mutual TLS; both or
  /// none.
  std::string certificate_file;
  std::string private_key_file;
  /// A file with a JWT, which goes with every call as `authorization: Bearer …`: over TLS, a Unix
  /// socket or loopback. A Kubernetes projected service-account token, for example.
  std::string jwt_file;
  /// A connection on which a call has waited this long for an answer is probed, and given up after
  /// another 10 s.
  absl::Duration keepalive = absl::Seconds(30);
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_TOKENSVC_CONNECTION_OPTIONS_H_
