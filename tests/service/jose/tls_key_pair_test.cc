// SPDX-License-Identifier: Apache-2.0
#include "service/jose/tls_key_pair.h"

#include <gtest/gtest.h>

#include "service/jose/pem_certificates.h"
#include "tests/service/jose/test_keys.h"

namespace tokensvc {
namespace {

using testing::CertificatePem;
using testing::EcKey;
using testing::KeyPem;
using testing::RsaKey;

TEST(TlsKeyPair, TakesKeysOfAnyTypeThatBelongToTheFirstCertificate) {
  const SslPtr<EVP_PKEY> p384(EVP_EC_gen("P-384"));
  for (EVP_PKEY* key : {RsaKey(), EcKey(), p384.get()}) {
    const auto times =
        CheckTlsKeyPair(CertificatePem(key) + CertificatePem(RsaKey(1)), Secret(KeyPem(key)));
    ASSERT_TRUE(times.ok()) << times.status();
    EXPECT_EQ(times->not_before, testing::CertificateSpec().not_before);
    EXPECT_EQ(times->not_after, testing::CertificateSpec().not_after);
  }
}

TEST(TlsKeyPair, RefusesWhatTlsCannotUse) {
  const std::string chain = CertificatePem(EcKey());
  const std::string key = KeyPem(EcKey());
  const SslPtr<EVP_PKEY> weak(EVP_RSA_gen(1024));
  const auto check = [](const std::string& certificates, std::string private_key) {
    return CheckTlsKeyPair(certificates, Secret(std::move(private_key))).ok();
  };
  EXPECT_TRUE(check(chain, key));
  EXPECT_FALSE(check(chain, KeyPem(RsaKey())));
  EXPECT_FALSE(check(CertificatePem(RsaKey()) + chain, key)) << "the leaf comes first";
  EXPECT_FALSE(check(CertificatePem(weak.get()), KeyPem(weak.get())));
  EXPECT_FALSE(check(chain, KeyPem(EcKey(), "pass phrase")));
  EXPECT_FALSE(check(chain, ""));
  EXPECT_FALSE(check("", key));
  EXPECT_FALSE(check(chain.substr(0, chain.size() / 2), key));
  EXPECT_FALSE(check(chain + '\0', key));
  EXPECT_FALSE(check(chain, key + '\0'));
}

TEST(PemCertificates, ReadsAllOrNone) {
  const std::string one = CertificatePem(EcKey());
  EXPECT_EQ(ReadPemCertificates(one + KeyPem(EcKey()) + one, 2)->size(), 2u);
  EXPECT_FALSE(ReadPemCertificates(one + one, 1).ok());
  EXPECT_FALSE(ReadPemCertificates("", 1).ok());
  EXPECT_FALSE(ReadPemCertificates("no PEM", 1).ok());
  EXPECT_FALSE(ReadPemCertificates(one + one.substr(0, one.size() / 2), 9).ok());
  EXPECT_EQ(ERR_peek_error(), 0u) << "nothing stays behind for TLS to stumble over";
}

}  // namespace
}  // namespace tokensvc
