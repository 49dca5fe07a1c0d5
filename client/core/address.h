// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_CORE_ADDRESS_H_
#define TOKENSVC_CLIENT_CORE_ADDRESS_H_

#include "absl/strings/string_view.h"

namespace tokensvc::client {

/// Whether `address` (HOST:PORT) can't leave this machine: 127.0.0.0/8, [::1], localhost,
/// unix:PATH.
bool IsLoopback(absl::string_view address);

/// Whether `address` has the form HOST:PORT, [IPV6]:PORT or unix:PATH. Nothing is resolved.
bool IsAddress(absl::string_view address);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_CORE_ADDRESS_H_
