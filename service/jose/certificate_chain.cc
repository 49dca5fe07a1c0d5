// SPDX-License-Identifier: Apache-2.0
#include "service/jose/certificate_chain.h"

#include <openssl/pem.h>

#include <ctime>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "service/jose/thumbprint.h"

namespace tokensvc {
namespace {

// Real chains have two to four certificates.
constexpr std::size_t kMaxCertificates = 10;

std::string Der(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate, &out);
  return der;
}

std::optional<absl::Time> FromAsn1(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return absl::FromTM(parts, absl::UTCTimeZone());
}

int NoPassPhrase(char*, int, int, void*) { return -1; }

}  // namespace

absl::StatusOr<CertificateChain> CertificateChain::FromPem(absl::string_view pem) {
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return absl::InvalidArgumentError("certificate: too large");
  }
  const SslErrorScope errors;
  const SslPtr<BIO> bio = ReadOnlyBio(pem);
  CertificateChain chain;
  while (true) {
    std::shared_ptr<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassPhrase, nullptr),
                                      SslDeleter());
    if (certificate == nullptr) break;
    if (chain.x5c_.size() == kMaxCertificates) {
      return absl::InvalidArgumentError("certificate: more than 10 certificates");
    }
    const std::string der = Der(certificate.get());
    if (der.empty()) return absl::InvalidArgumentError("certificate: cannot be encoded");
    chain.x5c_.push_back(absl::Base64Escape(der));
    if (chain.leaf_ != nullptr) continue;
    const std::optional<absl::Time> not_before = FromAsn1(X509_get0_notBefore(certificate.get()));
    const std::optional<absl::Time> not_after = FromAsn1(X509_get0_notAfter(certificate.get()));
    if (!not_before || !not_after) {
      return absl::InvalidArgumentError("certificate: its times of validity cannot be read");
    }
    chain.not_before_ = *not_before;
    chain.not_after_ = *not_after;
    chain.x5t_ = X5t(der);
    chain.x5t_s256_ = X5tS256(der);
    chain.leaf_ = std::move(certificate);
  }
  // "No start line" is how the end of the text looks; everything else is a block that cannot be
  // read.
  const unsigned long last = ERR_peek_last_error();
  if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE) {
    return absl::InvalidArgumentError("certificate: a PEM block cannot be read");
  }
  if (chain.leaf_ == nullptr) {
    return absl::InvalidArgumentError("certificate: no certificate in PEM form");
  }
  return chain;
}

bool CertificateChain::Matches(const PrivateKey& key) const {
  const SslErrorScope errors;
  return X509_check_private_key(leaf_.get(), key.get()) == 1;
}

}  // namespace tokensvc
