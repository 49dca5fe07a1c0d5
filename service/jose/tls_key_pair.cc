// SPDX-License-Identifier: Apache-2.0
#include "service/jose/tls_key_pair.h"

#include <openssl/pem.h>

#include <utility>

#include "service/jose/certificate_chain.h"
#include "service/jose/pem_certificates.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxCertificates = 10;
// Of RSA keys of 2,048 bits: OpenSSL's TLS takes nothing weaker here.
constexpr int kMinSecurityBits = 112;

// OpenSSL would ask for a pass phrase on the terminal.
int NoPassPhrase(char*, int, int, void*) { return -1; }

}  // namespace

absl::StatusOr<CertificateTimes> CheckTlsKeyPair(absl::string_view chain_pem,
                                                 const Secret& key_pem) {
  // Both readers stop at what they do not know; TLS's own stops at a NUL, too.
  for (const absl::string_view text : {chain_pem, key_pem.Reveal()}) {
    if (text.find('\0') != absl::string_view::npos) {
      return absl::InvalidArgumentError("one of the files is no text");
    }
  }
  const absl::StatusOr<CertificateChain> chain = CertificateChain::FromPem(chain_pem);
  if (!chain.ok()) return chain.status();
  const auto certificates = ReadPemCertificates(chain_pem, kMaxCertificates);
  if (!certificates.ok()) return certificates.status();
  const SslErrorScope errors;
  const SslPtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(ReadOnlyBio(key_pem.Reveal()).get(), nullptr, NoPassPhrase, nullptr));
  if (key == nullptr) {
    return absl::InvalidArgumentError("there is no private key that can be read (PEM)");
  }
  if (EVP_PKEY_get_security_bits(key.get()) < kMinSecurityBits) {
    return absl::InvalidArgumentError("the private key is too short for TLS");
  }
  if (X509_check_private_key(certificates->front().get(), key.get()) != 1) {
    return absl::InvalidArgumentError(
        "the private key is not that of the first certificate in the file");
  }
  return CertificateTimes{chain->not_before(), chain->not_after()};
}

}  // namespace tokensvc
