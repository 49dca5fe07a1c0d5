// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENSVC_CONNECTION_OPTIONS_H_
#define TOKENSVC_CLIENT_TOKENSVC_CONNECTION_OPTIONS_H_

#include <string>

#include "absl/time/time.h"

namespace tokensvc::client {

/// How to reach the service. Files are PEM and read once, when the client is made: renewed ones
/// take effect in a client that is made anew, and until then every connection, the next ones too,
/// shows and trusts the old ones. Make it before they expire.
struct ConnectionOptions {
  /// HOST:PORT, [IPV6]:PORT or unix:PATH. A name with several addresses: calls go to all in turn.
  std::string address;
  /// No TLS; for loopback and Unix sockets only, anything else is refused.
  bool plaintext = false;
  /// Whom to trust; empty: the system's trust store.
  std::string ca_file;
  /// What the client shows of itself (mutual TLS); both or none.
  std::string certificate_file;
  std::string private_key_file;
  /// A connection on which a call has waited this long for an answer is probed, and given up after
  /// another 10 s.
  absl::Duration keepalive = absl::Seconds(30);
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_TOKENSVC_CONNECTION_OPTIONS_H_
