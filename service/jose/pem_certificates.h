// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_PEM_CERTIFICATES_H_
#define TOKENSVC_SERVICE_JOSE_PEM_CERTIFICATES_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/jose/ssl_ptr.h"

namespace tokensvc {

/// Reads every certificate of a PEM text, in its order; other PEM blocks are passed over. Errors:
/// kInvalidArgument, with a text that holds nothing of the input, where there is no certificate,
/// any of them cannot be read, or there are more than `at_most`.
absl::StatusOr<std::vector<SslPtr<X509>>> ReadPemCertificates(absl::string_view pem,
                                                              std::size_t at_most);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_PEM_CERTIFICATES_H_
