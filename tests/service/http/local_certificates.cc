// SPDX-License-Identifier: Apache-2.0
#include "tests/service/http/local_certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

template <class Write>
void WriteFile(const std::string& path, Write write) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr || write(file) != 1 || std::fclose(file) != 0) std::abort();
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) std::abort();
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

LocalAuthority::LocalAuthority(const std::string& name)
    : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), certificate_(nullptr, &X509_free) {
  std::string directory = std::filesystem::temp_directory_path() / "http-test-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) std::abort();
  directory_ = directory;
  certificate_ = Sign(name, key_.get(), "", absl::Hours(1));
  WriteFile(ca_file(), [this](std::FILE* f) { return PEM_write_X509(f, certificate_.get()); });
}

LocalAuthority::~LocalAuthority() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

LocalAuthority::Certificate LocalAuthority::Sign(const std::string& subject, EVP_PKEY* key,
                                                 const std::string& names,
                                                 absl::Duration expires_in) const {
  Certificate certificate(X509_new(), &X509_free);
  X509* const issuer = certificate_ == nullptr ? certificate.get() : certificate_.get();
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), issued_ + 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                  static_cast<long>(absl::ToInt64Seconds(expires_in)));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  X509_set_pubkey(certificate.get(), key);
  AddExtension(certificate.get(), issuer, NID_basic_constraints,
               names.empty() ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!names.empty()) AddExtension(certificate.get(), issuer, NID_subject_alt_name, names);
  if (X509_sign(certificate.get(), key_.get(), EVP_sha256()) == 0) std::abort();
  return certificate;
}

std::shared_ptr<const ClientTlsCertificate> LocalAuthority::IssueClient(
    const std::string& subject) {
  const LoopbackServer::Tls files = Issue("DNS:client.example", absl::Hours(1), subject);
  const auto read = [](const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return Secret(std::string(std::istreambuf_iterator<char>(in), {}));
  };
  auto made = std::make_shared<ClientTlsCertificate>();
  made->id = subject;
  made->certificate_pem = read(files.certificate_file);
  made->private_key_pem = read(files.key_file);
  return made;
}

LoopbackServer::Tls LocalAuthority::Issue(const std::string& names, absl::Duration expires_in,
                                          const std::string& subject) {
  const int number = ++issued_;
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate certificate = Sign(subject, key.get(), names, expires_in);
  LoopbackServer::Tls tls;
  tls.certificate_file = absl::StrCat(directory_, "/", number, ".pem");
  tls.key_file = absl::StrCat(directory_, "/", number, ".key");
  WriteFile(tls.certificate_file,
            [&](std::FILE* f) { return PEM_write_X509(f, certificate.get()); });
  WriteFile(tls.key_file, [&](std::FILE* f) {
    return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return tls;
}

}  // namespace tokensvc
