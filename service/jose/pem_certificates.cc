// SPDX-License-Identifier: Apache-2.0
#include "service/jose/pem_certificates.h"

#include <openssl/pem.h>

#include <limits>
#include <utility>

#include "absl/status/status.h"

namespace tokensvc {
namespace {

// OpenSSL would ask for a pass phrase on the terminal.
int NoPassPhrase(char*, int, int, void*) { return -1; }

}  // namespace

absl::StatusOr<std::vector<SslPtr<X509>>> ReadPemCertificates(absl::string_view pem,
                                                              std::size_t at_most) {
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return absl::InvalidArgumentError("certificates: too large");
  }
  const SslErrorScope errors;
  const SslPtr<BIO> bio = ReadOnlyBio(pem);
  std::vector<SslPtr<X509>> certificates;
  while (true) {
    SslPtr<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassPhrase, nullptr));
    if (certificate == nullptr) break;
    if (certificates.size() == at_most) {
      return absl::InvalidArgumentError("certificates: too many");
    }
    certificates.push_back(std::move(certificate));
  }
  // "No start line" is how the end of the text looks; everything else is a block that is broken.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return absl::InvalidArgumentError("certificates: one of them cannot be read (PEM)");
  }
  if (certificates.empty()) {
    return absl::InvalidArgumentError("certificates: there is none (PEM)");
  }
  return certificates;
}

}  // namespace tokensvc
