// SPDX-License-Identifier: Apache-2.0
#include "client/core/pem_checks.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace tokensvc::client {
namespace {

// Of RSA keys of 2,048 bits: OpenSSL's TLS takes nothing weaker here.
constexpr int kMinSecurityBits = 112;

template <class T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};
void FreeBio(BIO* bio) { BIO_free(bio); }
using BioPtr = std::unique_ptr<BIO, Deleter<BIO, FreeBio>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;

/// Leaves OpenSSL's queue of this thread, which is the program's, as it was.
class ErrorScope {
 public:
  ErrorScope() { ERR_set_mark(); }
  ~ErrorScope() { ERR_pop_to_mark(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
};

/// OpenSSL would ask for a pass phrase on the terminal.
int NoPassPhrase(char*, int, int, void*) { return -1; }

/// TLS's own reader stops at a NUL, and would take less than is written.
bool IsText(absl::string_view pem) { return pem.find('\0') == absl::string_view::npos; }

BioPtr ReadOnlyBio(absl::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

CertificatePtr NextCertificate(const BioPtr& bio) {
  return CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, NoPassPhrase, nullptr));
}

}  // namespace

absl::Status CheckCertificates(absl::string_view pem) {
  const ErrorScope errors;
  const BioPtr bio = ReadOnlyBio(pem);
  bool any = false;
  while (NextCertificate(bio) != nullptr) any = true;
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (IsText(pem) && any && at_end) return absl::OkStatus();
  return absl::InvalidArgumentError(any ? "one of the certificates can't be read (PEM)"
                                        : "holds no certificate that can be read (PEM)");
}

absl::Status CheckKeyPair(absl::string_view chain, absl::string_view key, bool refuse_expired) {
  if (absl::Status all = CheckCertificates(chain); !all.ok()) return all;
  const ErrorScope errors;
  const CertificatePtr certificate = NextCertificate(ReadOnlyBio(chain));
  const KeyPtr private_key(
      PEM_read_bio_PrivateKey(ReadOnlyBio(key).get(), nullptr, NoPassPhrase, nullptr));
  if (!IsText(key) || private_key == nullptr) {
    return absl::InvalidArgumentError(
        "there is no private key that can be read (PEM, without a pass phrase)");
  }
  if (EVP_PKEY_get_security_bits(private_key.get()) < kMinSecurityBits) {
    return absl::InvalidArgumentError("the private key is too short for TLS");
  }
  if (X509_check_private_key(certificate.get(), private_key.get()) != 1) {
    return absl::InvalidArgumentError("the private key is not that of the first certificate");
  }
  if (refuse_expired && X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    return absl::InvalidArgumentError("the certificate is expired");
  }
  return absl::OkStatus();
}

}  // namespace tokensvc::client
