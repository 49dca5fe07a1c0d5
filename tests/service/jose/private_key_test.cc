// SPDX-License-Identifier: Apache-2.0
#include "service/jose/private_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/service/jose/test_keys.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::tokensvc::testing::CertificatePem;
using ::tokensvc::testing::EcKey;
using ::tokensvc::testing::KeyPem;
using ::tokensvc::testing::RsaKey;
using ::tokensvc::testing::TakeText;

absl::StatusOr<PrivateKey> Load(absl::string_view pem) {
  return PrivateKey::FromPem(Secret::CopyOf(pem));
}

void ExpectRefused(absl::string_view pem, absl::string_view why) {
  const absl::StatusOr<PrivateKey> key = Load(pem);
  ASSERT_EQ(key.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(key.status().message()), HasSubstr(std::string(why)));
  EXPECT_EQ(ERR_peek_error(), 0u) << "an entry stays in the thread's error queue";
}

std::string PemOf(EVP_PKEY* made) {
  const SslPtr<EVP_PKEY> key(made);
  return KeyPem(key.get());
}

TEST(PrivateKey, ReadsRsaAndEcKeys) {
  ASSERT_TRUE(Load(KeyPem(RsaKey())).ok());
  EXPECT_EQ(Load(KeyPem(RsaKey()))->type(), PrivateKey::Type::kRsa);
  ASSERT_TRUE(Load(KeyPem(EcKey())).ok());
  EXPECT_EQ(Load(KeyPem(EcKey()))->type(), PrivateKey::Type::kEcP256);
}

TEST(PrivateKey, ReadsTheOlderForms) {
  for (EVP_PKEY* key : {RsaKey(), EcKey()}) {
    const SslPtr<BIO> bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey_traditional(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    EXPECT_EQ(EVP_PKEY_eq(Load(TakeText(bio.get())).value().get(), key), 1);
  }
}

TEST(PrivateKey, PassesOverCertificatesInTheSameFile) {
  const auto key = Load(CertificatePem(RsaKey()) + KeyPem(RsaKey()));
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(EVP_PKEY_eq(key->get(), RsaKey()), 1);
}

TEST(PrivateKey, RefusesKeysOfOtherTypesAndSizes) {
  ExpectRefused(PemOf(EVP_RSA_gen(1024)), "2048");
  ExpectRefused(PemOf(EVP_EC_gen("P-384")), "P-256");
  ExpectRefused(PemOf(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), "RSA or an EC P-256");
}

TEST(PrivateKey, SaysThatAnEncryptedKeyIsNotSupported) {
  ExpectRefused(KeyPem(RsaKey(), "pass phrase"), "encrypted");
  const SslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey_traditional(bio.get(), EcKey(), EVP_aes_128_cbc(), nullptr, 0, nullptr,
                                       const_cast<char*>("pass phrase"));
  ExpectRefused(TakeText(bio.get()), "encrypted");
}

TEST(PrivateKey, RefusesWhatIsNoKeyWithoutQuotingIt) {
  const std::string pem = KeyPem(RsaKey());
  ExpectRefused("", "no readable private key");
  ExpectRefused("canary-4711", "no readable private key");
  ExpectRefused(CertificatePem(RsaKey()), "no readable private key");
  ExpectRefused(pem.substr(0, pem.size() / 2), "no readable private key");
  const std::string garbled =
      "-----BEGIN PRIVATE KEY-----\ncanary4711\n-----END PRIVATE KEY-----\n";
  ExpectRefused(garbled, "no readable private key");
  EXPECT_THAT(Load(garbled).status().ToString(), Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace tokensvc
