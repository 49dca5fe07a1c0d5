// SPDX-License-Identifier: Apache-2.0
// Client certificates of every kind, good and bad, made when they are needed.
#ifndef TOKENSVC_TESTS_SERVICE_ACCESS_CERTIFICATE_TESTING_H_
#define TOKENSVC_TESTS_SERVICE_ACCESS_CERTIFICATE_TESTING_H_

#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/service/jose/test_keys.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc::testing {

struct SubjectName {
  int type;  ///< GEN_URI or GEN_DNS
  std::string value;
};

struct ClientSpec {
  std::vector<SubjectName> names;
  absl::Time not_before = FakeClock::Start() - absl::Hours(1);
  absl::Time not_after = FakeClock::Start() + absl::Hours(1);
  std::string basic_constraints = "critical,CA:FALSE";
  std::string key_usage;
  std::string extended_key_usage = "clientAuth";
};

inline ClientSpec Named(std::vector<SubjectName> names) {
  ClientSpec spec;
  spec.names = std::move(names);
  return spec;
}
inline ClientSpec Spiffe(std::string id) { return Named({{GEN_URI, std::move(id)}}); }

/// A certification authority with a key of its own.
class ClientAuthority {
 public:
  explicit ClientAuthority(std::string name, const ClientAuthority* above = nullptr,
                           absl::Time not_after = FakeClock::Start() + absl::Hours(10))
      : name_(std::move(name)), key_(EVP_EC_gen("P-256")) {
    ClientSpec spec;
    spec.not_after = not_after;
    spec.basic_constraints = "critical,CA:TRUE";
    spec.extended_key_usage.clear();
    const ClientAuthority& issuer = above == nullptr ? *this : *above;
    certificate_ = Make(issuer.name_, issuer.key_.get(), name_, key_.get(), spec);
  }

  std::string Pem() const { return CertificatePem(certificate_.get()); }

  std::string Issue(const ClientSpec& spec) const {
    const SslPtr<EVP_PKEY> key(EVP_EC_gen("P-256"));
    return CertificatePem(Make(name_, key_.get(), "client", key.get(), spec).get());
  }

 private:
  static void SetName(X509_NAME* name, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
  }

  static void Extend(X509* certificate, int nid, const std::string& value) {
    if (value.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  // Byte by byte: OpenSSL's notation cannot say what is hostile.
  static void AddNames(X509* certificate, const std::vector<SubjectName>& names) {
    if (names.empty()) return;
    GENERAL_NAMES* list = GENERAL_NAMES_new();
    for (const SubjectName& name : names) {
      ASN1_IA5STRING* text = ASN1_IA5STRING_new();
      ASN1_STRING_set(text, name.value.data(), static_cast<int>(name.value.size()));
      GENERAL_NAME* entry = GENERAL_NAME_new();
      GENERAL_NAME_set0_value(entry, name.type, text);
      sk_GENERAL_NAME_push(list, entry);
    }
    X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, X509V3_ADD_APPEND);
    GENERAL_NAMES_free(list);
  }

  static SslPtr<X509> Make(const std::string& issuer, EVP_PKEY* issuer_key,
                           const std::string& subject, EVP_PKEY* key, const ClientSpec& spec) {
    static int serial = 0;
    SslPtr<X509> certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(spec.not_before));
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(spec.not_after));
    SetName(X509_get_subject_name(certificate.get()), subject);
    SetName(X509_get_issuer_name(certificate.get()), issuer);
    X509_set_pubkey(certificate.get(), key);
    Extend(certificate.get(), NID_basic_constraints, spec.basic_constraints);
    Extend(certificate.get(), NID_key_usage, spec.key_usage);
    Extend(certificate.get(), NID_ext_key_usage, spec.extended_key_usage);
    AddNames(certificate.get(), spec.names);
    X509_sign(certificate.get(), issuer_key, EVP_sha256());
    return certificate;
  }

  std::string name_;
  SslPtr<EVP_PKEY> key_;
  SslPtr<X509> certificate_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_SERVICE_ACCESS_CERTIFICATE_TESTING_H_
