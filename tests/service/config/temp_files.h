// SPDX-License-Identifier: Apache-2.0
// Files, keys and certificates in a folder of the test's own.
#ifndef TOKENSVC_TESTS_SERVICE_CONFIG_TEMP_FILES_H_
#define TOKENSVC_TESTS_SERVICE_CONFIG_TEMP_FILES_H_

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace tokensvc {

/// A folder that ends with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tokensvc-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string Path(const std::string& name) const { return path_ + "/" + name; }

  /// Writes a file and returns its path.
  std::string Write(const std::string& name, const std::string& content, mode_t mode = 0600) const {
    const std::string path = Path(name);
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }

 private:
  std::string path_;
};

struct FreeOpenSsl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using TestKey = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;

inline TestKey RsaKey(std::size_t bits) {
  return TestKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
}
inline TestKey EcKey(const char* curve) {
  return TestKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}

inline std::string TakeText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

inline std::string KeyPem(const TestKey& key, const char* passphrase = nullptr) {
  const std::unique_ptr<BIO, FreeOpenSsl> bio(BIO_new(BIO_s_mem()));
  const int length = passphrase == nullptr ? 0 : static_cast<int>(std::string(passphrase).size());
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(),
                                          passphrase == nullptr ? nullptr : EVP_aes_128_cbc(),
                                          passphrase, length, nullptr, nullptr),
            1);
  return TakeText(bio.get());
}

inline std::string CertificatePem(const TestKey& key) {
  const std::unique_ptr<X509, FreeOpenSsl> certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  EXPECT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const std::unique_ptr<BIO, FreeOpenSsl> bio(BIO_new(BIO_s_mem()));
  EXPECT_EQ(PEM_write_bio_X509(bio.get(), certificate.get()), 1);
  return TakeText(bio.get());
}

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_SERVICE_CONFIG_TEMP_FILES_H_
