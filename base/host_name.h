// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_HOST_NAME_H_
#define TOKENSVC_BASE_HOST_NAME_H_

#include "absl/strings/string_view.h"

namespace tokensvc {

/// Whether `text` is a DNS host name (RFC 1123 §2.1): labels of letters, digits and hyphens, 253
/// characters in all. Not one whose last label is a number: resolvers take that for an IPv4
/// address, in whatever old notation.
bool IsHostName(absl::string_view text);

/// Whether `host` names this machine's loopback without asking a resolver: `localhost`, an address
/// of 127.0.0.0/8, or ::1, with or without a URL's brackets.
bool IsLoopbackHost(absl::string_view host);

/// Whether `host` is an address of 169.254.0.0/16 (RFC 3927): where clouds put what a machine may
/// ask about itself.
bool IsLinkLocalHost(absl::string_view host);

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_HOST_NAME_H_
