// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/authority/encoding.h"

namespace tokensvc::devauth {
namespace {

constexpr int kMinRsaBits = 2048;
constexpr size_t kP256Coordinate = 32;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::unique_ptr<BIO, decltype(&BIO_free)> ReadOnlyBio(absl::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

std::string BigNumParameter(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return "";
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return bytes;
}

// JOSE writes an ECDSA signature as r || s (RFC 7518 §3.4), OpenSSL reads DER.
std::string EcdsaDer(absl::string_view raw) {
  if (raw.size() != 2 * kP256Coordinate) return "";
  std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> signature(ECDSA_SIG_new(), &ECDSA_SIG_free);
  BIGNUM* r = BN_bin2bn(Bytes(raw), kP256Coordinate, nullptr);
  BIGNUM* s = BN_bin2bn(Bytes(raw.substr(kP256Coordinate)), kP256Coordinate, nullptr);
  ECDSA_SIG_set0(signature.get(), r, s);
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return "";
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool IsP256(EVP_PKEY* key) {
  char group[64] = {};
  size_t size = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, group, sizeof(group), &size) == 1 &&
         absl::string_view(group) == "prime256v1";
}

bool IsUsableRsa(EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= kMinRsaBits;
}

}  // namespace

absl::StatusOr<SigningKey> SigningKey::Generate() {
  return Wrap(SharedPkey(EVP_RSA_gen(kMinRsaBits), &EVP_PKEY_free));
}

absl::StatusOr<SigningKey> SigningKey::FromPem(absl::string_view pem) {
  const auto bio = ReadOnlyBio(pem);
  return Wrap(
      SharedPkey(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free));
}

absl::StatusOr<SigningKey> SigningKey::Wrap(SharedPkey key) {
  if (key == nullptr || !IsUsableRsa(key.get())) {
    return absl::InvalidArgumentError("the signing key is not an RSA key of at least 2048 bits");
  }
  const std::string n = Base64UrlEncode(BigNumParameter(key.get(), OSSL_PKEY_PARAM_RSA_N));
  const std::string e = Base64UrlEncode(BigNumParameter(key.get(), OSSL_PKEY_PARAM_RSA_E));
  SigningKey out;
  out.key_ = std::move(key);
  // RFC 7638 §3: the required members in lexical order, without white space.
  out.kid_ = Base64UrlEncode(
      Sha256(absl::StrCat("{\"e\":\"", e, "\",\"kty\":\"RSA\",\"n\":\"", n, "\"}")));
  out.jwk_ = {{"kty", "RSA"},    {"use", "sig"}, {"alg", "RS256"},
              {"kid", out.kid_}, {"n", n},       {"e", e}};
  return out;
}

std::string SigningKey::Sign(absl::string_view input) const {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free);
  size_t size = 0;
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get());
  EVP_DigestSign(context.get(), nullptr, &size, Bytes(input), input.size());
  std::string out(size, '\0');
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, Bytes(input),
                 input.size());
  out.resize(size);
  return out;
}

absl::StatusOr<RegisteredCertificate> RegisteredCertificate::FromPem(absl::string_view pem) {
  const auto bio = ReadOnlyBio(pem);
  std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  if (certificate == nullptr) return absl::InvalidArgumentError("not a PEM certificate");
  RegisteredCertificate out;
  out.public_key = SharedPkey(X509_get_pubkey(certificate.get()), &EVP_PKEY_free);
  if (out.public_key == nullptr) return absl::InvalidArgumentError("unusable public key");
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size <= 0) return absl::InvalidArgumentError("unusable certificate");
  out.der.assign(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  out.x5t = Base64UrlEncode(Sha1(out.der));
  out.x5t_s256 = Base64UrlEncode(Sha256(out.der));
  return out;
}

bool VerifySignature(absl::string_view alg, EVP_PKEY* key, absl::string_view input,
                     absl::string_view signature) {
  const bool pss = alg == "PS256";
  const bool ecdsa = alg == "ES256";
  if (!pss && !ecdsa && alg != "RS256") return false;
  if (ecdsa ? !IsP256(key) : !IsUsableRsa(key)) return false;
  const std::string wire = ecdsa ? EcdsaDer(signature) : std::string(signature);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  if (EVP_DigestVerifyInit(context.get(), &parameters, EVP_sha256(), nullptr, key) != 1) {
    return false;
  }
  if (pss && (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
              // RFC 7518 §3.5: the salt is as long as the digest.
              EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return false;
  }
  return EVP_DigestVerify(context.get(), Bytes(wire), wire.size(), Bytes(input), input.size()) == 1;
}

}  // namespace tokensvc::devauth
