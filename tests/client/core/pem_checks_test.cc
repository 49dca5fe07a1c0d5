// SPDX-License-Identifier: Apache-2.0
#include "client/core/pem_checks.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/authority/test_certificates.h"

namespace tokensvc::client {
namespace {

using ::testing::HasSubstr;

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A private key as PEM, encrypted where there is a pass phrase.
std::string RsaKey(unsigned bits, const char* pass_phrase) {
  EVP_PKEY* const key = EVP_RSA_gen(bits);
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(
      bio, key, pass_phrase != nullptr ? EVP_aes_256_cbc() : nullptr, pass_phrase,
      pass_phrase != nullptr ? static_cast<int>(strlen(pass_phrase)) : 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

class PemChecksTest : public ::testing::Test {
 protected:
  PemChecksTest() {
    std::string folder = ::testing::TempDir() + "tokensvc-pem-XXXXXX";
    folder_ = mkdtemp(folder.data());
    certificates_ = *TestCertificates::Create(folder_);
    const CertificateFiles files = *certificates_->IssueServer("one");
    certificate_ = Contents(files.certificate);
    key_ = Contents(files.private_key);
  }
  ~PemChecksTest() override { std::filesystem::remove_all(folder_); }

  std::string Refusal(absl::string_view chain, absl::string_view key,
                      bool refuse_expired = false) const {
    const absl::Status status = CheckKeyPair(chain, key, refuse_expired);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ERR_peek_error(), 0u) << "the program's errors are not ours to make";
    return std::string(status.message());
  }

  std::string folder_;
  std::unique_ptr<TestCertificates> certificates_;
  std::string certificate_, key_;
};

TEST_F(PemChecksTest, TakesBundlesWithTextAround) {
  const std::string ca = Contents(certificates_->ca_file());
  for (const std::string& pem :
       {ca, ca + ca, "# roots\n" + ca + "\n# more\n" + certificate_, certificate_ + key_}) {
    EXPECT_TRUE(CheckCertificates(pem).ok());
  }
  EXPECT_TRUE(CheckKeyPair(certificate_, key_, false).ok());
  EXPECT_TRUE(CheckKeyPair(certificate_ + ca, key_, true).ok());
  EXPECT_TRUE(CheckKeyPair(certificate_ + key_, certificate_ + key_, true).ok());
}

TEST_F(PemChecksTest, RefusesWhatIsHalfWrittenOrNoCertificate) {
  const std::string half = certificate_.substr(0, certificate_.size() / 2);
  std::string spoilt = certificate_;
  spoilt[spoilt.find('\n') + 10] = '!';
  for (const std::string& pem :
       {std::string(), std::string("text\n"), half, spoilt, key_, certificate_ + half,
        certificate_ + spoilt, certificate_ + std::string(1, '\0') + certificate_}) {
    EXPECT_EQ(CheckCertificates(pem).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST_F(PemChecksTest, RefusesAKeyThatTlsCannotUse) {
  const std::string other = Contents(certificates_->IssueServer("two")->private_key);
  EXPECT_THAT(Refusal(certificate_, other), HasSubstr("not that of the first certificate"));
  EXPECT_THAT(Refusal(certificate_, key_.substr(0, key_.size() / 2)), HasSubstr("can be read"));
  EXPECT_THAT(Refusal(certificate_, ""), HasSubstr("can be read"));
  EXPECT_THAT(Refusal("", key_), HasSubstr("no certificate"));
  EXPECT_THAT(Refusal(certificate_, RsaKey(1024, nullptr)), HasSubstr("too short"));
  // Nobody is asked for the pass phrase.
  EXPECT_THAT(Refusal(certificate_, RsaKey(2048, "secret")), HasSubstr("without a pass phrase"));
}

TEST_F(PemChecksTest, AnExpiredCertificateIsRefusedWhereThatIsAsked) {
  const CertificateFiles files =
      *certificates_->IssueServer("old", TestCertificates::Validity::kExpired);
  const std::string old = Contents(files.certificate);
  const std::string key = Contents(files.private_key);
  EXPECT_TRUE(CheckKeyPair(old, key, false).ok());
  EXPECT_THAT(Refusal(old, key, true), HasSubstr("expired"));
}

}  // namespace
}  // namespace tokensvc::client
