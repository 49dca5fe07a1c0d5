// SPDX-License-Identifier: Apache-2.0
// Keys and certificates for tests, made when they are needed: none lies in the tree.
#ifndef TOKENSVC_TESTS_SERVICE_JOSE_TEST_KEYS_H_
#define TOKENSVC_TESTS_SERVICE_JOSE_TEST_KEYS_H_

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "service/jose/jwt_signer.h"
#include "service/jose/ssl_ptr.h"

namespace tokensvc::testing {

/// Keys of the whole test program: making an RSA key takes a tenth of a second.
inline EVP_PKEY* RsaKey(int which = 0) {
  static EVP_PKEY* const keys[] = {EVP_RSA_gen(2048), EVP_RSA_gen(2048)};
  return keys[which];
}
inline EVP_PKEY* EcKey() {
  static EVP_PKEY* const key = EVP_EC_gen("P-256");
  return key;
}

inline std::string TakeText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

/// The private key as PKCS#8, encrypted where a pass phrase is given.
inline std::string KeyPem(EVP_PKEY* key, const std::string& pass_phrase = "") {
  const SslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (pass_phrase.empty()) {
    PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key, EVP_aes_256_cbc(), pass_phrase.data(),
                                  static_cast<int>(pass_phrase.size()), nullptr, nullptr);
  }
  return TakeText(bio.get());
}

struct CertificateSpec {
  std::string common_name = "tokensvc test";
  absl::Time not_before = absl::FromUnixSeconds(1767225600);  // 2026-01-01
  absl::Time not_after = absl::FromUnixSeconds(1798761600);   // 2027-01-01
};

/// A self-signed certificate over `key`.
inline SslPtr<X509> MakeCertificate(EVP_PKEY* key, const CertificateSpec& spec = {}) {
  SslPtr<X509> certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(spec.not_before));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(spec.not_after));
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

inline std::string CertificatePem(X509* certificate) {
  const SslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return TakeText(bio.get());
}

inline std::string CertificatePem(EVP_PKEY* key, const CertificateSpec& spec = {}) {
  return CertificatePem(MakeCertificate(key, spec).get());
}

inline std::string FromBase64Url(absl::string_view text) {
  std::string bytes;
  absl::WebSafeBase64Unescape(text, &bytes);
  return bytes;
}

/// Verifies with OpenSSL alone: none of the code under test takes part.
inline bool VerifyBytes(JwsAlgorithm algorithm, EVP_PKEY* key, absl::string_view input,
                        std::string signature) {
  const SslErrorScope errors;
  if (algorithm == JwsAlgorithm::kEs256) {
    if (signature.size() != 64) return false;
    const auto* raw = reinterpret_cast<const unsigned char*>(signature.data());
    const SslPtr<ECDSA_SIG> pair(ECDSA_SIG_new());
    ECDSA_SIG_set0(pair.get(), BN_bin2bn(raw, 32, nullptr), BN_bin2bn(raw + 32, 32, nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    signature.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  const SslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  EVP_DigestVerifyInit(context.get(), &parameters, EVP_sha256(), nullptr, key);
  if (algorithm == JwsAlgorithm::kPs256) {
    EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32);  // And not "any": RFC 7518 §3.5 fixes it.
  }
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(input.data()),
                          input.size()) == 1;
}

/// A compact JWS taken apart; `valid` is its signature's.
struct DecodedJws {
  Json header, payload;
  bool valid = false;
};

inline DecodedJws DecodeJws(JwsAlgorithm algorithm, EVP_PKEY* key, absl::string_view jws) {
  DecodedJws decoded;
  const std::vector<std::string> parts = absl::StrSplit(jws, '.');
  if (parts.size() != 3) return decoded;
  decoded.header = ParseJsonObject(FromBase64Url(parts[0])).value_or(Json());
  decoded.payload = ParseJsonObject(FromBase64Url(parts[1])).value_or(Json());
  decoded.valid = VerifyBytes(algorithm, key, parts[0] + "." + parts[1], FromBase64Url(parts[2]));
  return decoded;
}

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_SERVICE_JOSE_TEST_KEYS_H_
