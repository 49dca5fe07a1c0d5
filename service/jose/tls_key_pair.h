// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_TLS_KEY_PAIR_H_
#define TOKENSVC_SERVICE_JOSE_TLS_KEY_PAIR_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace tokensvc {

/// When a certificate is valid.
struct CertificateTimes {
  absl::Time not_before, not_after;
};

/// Whether TLS can use the first certificate of `chain_pem` with `key_pem`, a key of any type (PEM,
/// not encrypted) that belongs to it: its times. Errors: kInvalidArgument, with a text that holds
/// nothing of the input.
absl::StatusOr<CertificateTimes> CheckTlsKeyPair(absl::string_view chain_pem,
                                                 const Secret& key_pem);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_TLS_KEY_PAIR_H_
