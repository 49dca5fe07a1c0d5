// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_CORE_PEM_CHECKS_H_
#define TOKENSVC_CLIENT_CORE_PEM_CHECKS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tokensvc::client {

/// A bundle of all public certification authorities is about 250 KiB.
inline constexpr std::size_t kMaxPemFileBytes = std::size_t{4} << 20;

// gRPC takes whatever it is given, and every connection fails from then on. The texts of errors
// (kInvalidArgument) hold nothing of the input.

/// Whether `pem` holds certificates, and all of them can be read.
absl::Status CheckCertificates(absl::string_view pem);

/// Whether TLS can show the first certificate of `chain` with `key` (not encrypted), which must be
/// its own. `refuse_expired`: by this machine's clock.
absl::Status CheckKeyPair(absl::string_view chain, absl::string_view key, bool refuse_expired);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_CORE_PEM_CHECKS_H_
