// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_ADDRESS_CHECK_H_
#define TOKENSVC_SERVICE_HTTP_ADDRESS_CHECK_H_

#include <sys/socket.h>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// Whether `address` is an ordinary public unicast address: what a host that was learnt from a
/// document may resolve to (DESIGN.md §6). False for every special-purpose range of the IANA
/// registries (RFC 6890, RFC 8190: loopback, private, link-local, shared, documentation,
/// benchmarking, multicast, reserved, …), for cloud metadata addresses, and for families other than
/// IPv4 and IPv6. An IPv6 address that carries an IPv4 one is refused, except through NAT64's
/// well-known prefix (RFC 6052), where the IPv4 address decides: networks with DNS64 reach every
/// IPv4 host that way. `address` must be as long as its family says.
bool IsPublicAddress(const sockaddr& address);

/// Whether `address` is 127.0.0.0/8 or ::1.
bool IsLoopbackAddress(const sockaddr& address);

/// Whether `address` is in 169.254.0.0/16 (RFC 3927).
bool IsLinkLocalAddress(const sockaddr& address);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_ADDRESS_CHECK_H_
