// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/test_certificates.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

using Pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

constexpr long kDay = 24 * 60 * 60;

Pkey MakeKey(TestCertificates::Key kind) {
  return {kind == TestCertificates::Key::kRsa2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
          &EVP_PKEY_free};
}

// Seconds from now to notBefore and notAfter.
std::pair<long, long> Times(TestCertificates::Validity validity) {
  switch (validity) {
    case TestCertificates::Validity::kExpired:
      return {-2 * kDay, -kDay};
    case TestCertificates::Validity::kNotYetValid:
      return {kDay, 2 * kDay};
    case TestCertificates::Validity::kValid:
      break;
  }
  return {-kDay, 30 * kDay};
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// Everything but the extensions and the signature. Without `issuer`, self-signed.
Certificate MakeUnsigned(const std::string& name, EVP_PKEY* key, X509* issuer,
                         std::pair<long, long> times) {
  Certificate certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  unsigned char serial[16];
  RAND_bytes(serial, sizeof(serial));
  serial[0] &= 0x7f;  // a serial number is positive
  BIGNUM* number = BN_bin2bn(serial, sizeof(serial), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), times.first);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), times.second);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* const signer = issuer == nullptr ? certificate.get() : issuer;
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

absl::Status WriteFile(const std::string& path, BIO* content) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(content, &data);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return absl::UnavailableError(absl::StrCat("cannot write ", path));
  const bool written = ::write(file, data, static_cast<size_t>(size)) == size;
  ::close(file);
  return written ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path));
}

absl::Status WriteCertificate(const std::string& path, X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(bio.get(), certificate);
  return WriteFile(path, bio.get());
}

absl::Status WriteKey(const std::string& path, EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return WriteFile(path, bio.get());
}

}  // namespace

class TestCertificates::Impl {
 public:
  explicit Impl(absl::string_view directory)
      : directory_(directory), ca_file_(absl::StrCat(directory, "/ca.pem")) {}

  absl::Status Start() {
    key_ = MakeKey(Key::kEcP256);
    if (key_ == nullptr) return absl::InternalError("no CA key");
    certificate_ =
        MakeUnsigned("Token Service test CA", key_.get(), nullptr, Times(Validity::kValid));
    X509* const ca = certificate_.get();
    const bool good = AddExtension(ca, ca, NID_basic_constraints, "critical,CA:TRUE") &&
                      AddExtension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                      AddExtension(ca, ca, NID_subject_key_identifier, "hash") &&
                      X509_sign(ca, key_.get(), EVP_sha256()) > 0;
    if (!good) return absl::InternalError("no CA certificate");
    return WriteCertificate(ca_file_, ca);
  }

  absl::StatusOr<CertificateFiles> Issue(const Leaf& leaf) {
    const Pkey key = MakeKey(leaf.key);
    if (key == nullptr) return absl::InternalError("no key");
    const Certificate made =
        MakeUnsigned(leaf.name, key.get(), certificate_.get(), Times(leaf.validity));
    X509* const certificate = made.get();
    X509* const ca = certificate_.get();
    const std::string& names = leaf.subject_alternative_names;
    const bool good =
        AddExtension(certificate, ca, NID_basic_constraints, "critical,CA:FALSE") &&
        AddExtension(certificate, ca, NID_key_usage, "critical,digitalSignature") &&
        AddExtension(certificate, ca, NID_ext_key_usage,
                     leaf.server ? "serverAuth" : "clientAuth") &&
        AddExtension(certificate, ca, NID_authority_key_identifier, "keyid") &&
        (names.empty() || AddExtension(certificate, ca, NID_subject_alt_name, names)) &&
        X509_sign(certificate, key_.get(), EVP_sha256()) > 0;
    ERR_clear_error();
    if (!good) return absl::InvalidArgumentError("the certificate cannot be made as asked");
    CertificateFiles files = {absl::StrCat(directory_, "/", leaf.name, ".pem"),
                              absl::StrCat(directory_, "/", leaf.name, ".key")};
    if (absl::Status status = WriteCertificate(files.certificate, certificate); !status.ok()) {
      return status;
    }
    if (absl::Status status = WriteKey(files.private_key, key.get()); !status.ok()) return status;
    return files;
  }

  const std::string& ca_file() const { return ca_file_; }

 private:
  const std::string directory_;
  const std::string ca_file_;
  Pkey key_{nullptr, &EVP_PKEY_free};
  Certificate certificate_{nullptr, &X509_free};
};

absl::StatusOr<std::unique_ptr<TestCertificates>> TestCertificates::Create(
    absl::string_view directory) {
  auto impl = std::make_unique<Impl>(directory);
  if (absl::Status status = impl->Start(); !status.ok()) return status;
  return std::unique_ptr<TestCertificates>(new TestCertificates(std::move(impl)));
}

TestCertificates::TestCertificates(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TestCertificates::~TestCertificates() = default;

const std::string& TestCertificates::ca_file() const { return impl_->ca_file(); }

absl::StatusOr<CertificateFiles> TestCertificates::Issue(const Leaf& leaf) {
  return impl_->Issue(leaf);
}

absl::StatusOr<CertificateFiles> TestCertificates::IssueServer(absl::string_view name,
                                                               Validity validity) {
  Leaf leaf;
  leaf.name = std::string(name);
  leaf.validity = validity;
  return Issue(leaf);
}

absl::StatusOr<CertificateFiles> TestCertificates::IssueClient(absl::string_view name, Key key) {
  Leaf leaf;
  leaf.name = std::string(name);
  leaf.key = key;
  leaf.server = false;
  leaf.subject_alternative_names.clear();
  return Issue(leaf);
}

}  // namespace tokensvc
