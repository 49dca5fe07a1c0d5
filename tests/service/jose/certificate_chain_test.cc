// SPDX-License-Identifier: Apache-2.0
#include "service/jose/certificate_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/jose/thumbprint.h"
#include "tests/service/jose/test_keys.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::tokensvc::testing::CertificatePem;
using ::tokensvc::testing::CertificateSpec;
using ::tokensvc::testing::EcKey;
using ::tokensvc::testing::FromBase64Url;
using ::tokensvc::testing::KeyPem;
using ::tokensvc::testing::MakeCertificate;
using ::tokensvc::testing::RsaKey;

void ExpectRefused(absl::string_view pem, absl::string_view why) {
  const auto chain = CertificateChain::FromPem(pem);
  ASSERT_EQ(chain.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(chain.status().message()), HasSubstr(std::string(why)));
  EXPECT_EQ(ERR_peek_error(), 0u) << "an entry stays in the thread's error queue";
}

TEST(Thumbprint, HashesAsPublished) {
  // FIPS 180-4's example "abc", as `openssl dgst -binary | basenc --base64url` prints it, unpadded.
  EXPECT_EQ(X5t("abc"), "qZk-NkcGgWq6PiVxeFDCbJzQ2J0");
  EXPECT_EQ(X5tS256("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
}

TEST(CertificateChain, ThumbprintsAreThoseOfOpenSsl) {
  const SslPtr<X509> certificate = MakeCertificate(RsaKey());
  const auto chain = CertificateChain::FromPem(CertificatePem(certificate.get()));
  ASSERT_TRUE(chain.ok()) << chain.status();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  ASSERT_EQ(X509_digest(certificate.get(), EVP_sha1(), digest, &size), 1);
  EXPECT_EQ(FromBase64Url(chain->x5t()), std::string(digest, digest + size));
  ASSERT_EQ(X509_digest(certificate.get(), EVP_sha256(), digest, &size), 1);
  EXPECT_EQ(FromBase64Url(chain->x5t_s256()), std::string(digest, digest + size));
}

TEST(CertificateChain, TellsTheLeafsTimes) {
  CertificateSpec spec;
  spec.not_before = absl::FromCivil(absl::CivilSecond(2026, 1, 2, 3, 4, 5), absl::UTCTimeZone());
  spec.not_after = absl::FromCivil(absl::CivilSecond(2051, 6, 7, 8, 9, 10), absl::UTCTimeZone());
  const auto chain = CertificateChain::FromPem(CertificatePem(EcKey(), spec));
  ASSERT_TRUE(chain.ok()) << chain.status();
  EXPECT_EQ(chain->not_before(), spec.not_before);
  EXPECT_EQ(chain->not_after(), spec.not_after);
}

TEST(CertificateChain, KeepsTheWholeChainInOrder) {
  const SslPtr<X509> leaf = MakeCertificate(RsaKey());
  const SslPtr<X509> issuer = MakeCertificate(EcKey());
  const auto chain = CertificateChain::FromPem("a comment\n" + CertificatePem(leaf.get()) +
                                               KeyPem(RsaKey()) + CertificatePem(issuer.get()));
  ASSERT_TRUE(chain.ok()) << chain.status();
  ASSERT_EQ(chain->x5c().size(), 2u);
  const X509* const expected[] = {leaf.get(), issuer.get()};
  for (int i = 0; i < 2; ++i) {
    std::string der;
    ASSERT_TRUE(absl::Base64Unescape(chain->x5c()[static_cast<std::size_t>(i)], &der));
    const auto* in = reinterpret_cast<const unsigned char*>(der.data());
    const SslPtr<X509> again(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(X509_cmp(again.get(), expected[i]), 0);
  }
}

TEST(CertificateChain, KnowsItsKey) {
  const auto chain = CertificateChain::FromPem(CertificatePem(RsaKey(0)));
  ASSERT_TRUE(chain.ok());
  EXPECT_TRUE(chain->Matches(PrivateKey::FromPem(Secret(KeyPem(RsaKey(0)))).value()));
  EXPECT_FALSE(chain->Matches(PrivateKey::FromPem(Secret(KeyPem(RsaKey(1)))).value()));
  EXPECT_FALSE(chain->Matches(PrivateKey::FromPem(Secret(KeyPem(EcKey()))).value()));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(CertificateChain, RefusesWhatCannotBeRead) {
  const std::string pem = CertificatePem(RsaKey());
  ExpectRefused(absl::string_view(), "no certificate");
  ExpectRefused("canary-4711", "no certificate");
  ExpectRefused(KeyPem(RsaKey()), "no certificate");
  ExpectRefused(pem.substr(0, pem.size() / 2), "cannot be read");
  // A good leaf does not excuse a broken issuer: half of a chain would be sent.
  ExpectRefused(pem + pem.substr(0, pem.size() / 2), "cannot be read");
  ExpectRefused("-----BEGIN CERTIFICATE-----\ncanary4711\n-----END CERTIFICATE-----\n",
                "cannot be read");
}

TEST(CertificateChain, RefusesAChainWithoutEnd) {
  const std::string pem = CertificatePem(EcKey());
  std::string many;
  for (int i = 0; i < 10; ++i) many += pem;
  EXPECT_TRUE(CertificateChain::FromPem(many).ok());
  ExpectRefused(many + pem, "more than 10");
}

}  // namespace
}  // namespace tokensvc
