// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_ADDRESS_H_
#define TOKENSVC_SERVICE_CONFIG_ADDRESS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// An address to listen on.
struct HostPort {
  std::string host;        ///< An IP address, without brackets, or `localhost`.
  std::uint16_t port = 0;  ///< 0 = any free one.
};

/// Reads `127.0.0.1:7443`, `[::1]:7443` or `localhost:7443`. Other names are refused: whether they
/// lead beyond this machine could not be told.
std::optional<HostPort> ParseHostPort(absl::string_view text);

/// Reads the address of a server to connect to: as above, or with any host name; the port is not 0.
std::optional<HostPort> ParseServerAddress(absl::string_view text);

/// What keeps `text` from being the URL of an authority (`https`, or `http` on loopback; a host; no
/// user information, query, fragment or dot segment), as a message to show; empty = nothing.
absl::string_view ProblemOfAuthorityUrl(absl::string_view text);

/// The same for the URL of what the platform offers on this machine: `http` on a loopback or
/// link-local address (or `localhost`).
absl::string_view ProblemOfPlatformUrl(absl::string_view text);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_ADDRESS_H_
