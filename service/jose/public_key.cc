// SPDX-License-Identifier: Apache-2.0
#include "service/jose/public_key.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/jose/ssl_ptr.h"

namespace tokensvc {
namespace {

constexpr int kMinModulusBits = 2048;
constexpr int kMaxModulusBits = 8192;
constexpr std::size_t kP256Bytes = 32;

struct ParameterDeleter {
  void operator()(OSSL_PARAM_BLD* p) const { OSSL_PARAM_BLD_free(p); }
  void operator()(OSSL_PARAM* p) const { OSSL_PARAM_free(p); }
};

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

SslPtr<BIGNUM> Number(absl::string_view bytes) {
  return SslPtr<BIGNUM>(BN_bin2bn(Bytes(bytes), static_cast<int>(bytes.size()), nullptr));
}

bool IsMinimal(absl::string_view number) { return !number.empty() && number.front() != '\0'; }

// JWS has the two numbers side by side; OpenSSL wants a DER SEQUENCE of two integers. Empty where
// they are not 32 bytes each.
std::string DerEcSignature(absl::string_view raw) {
  if (raw.size() != 2 * kP256Bytes) return "";
  const SslPtr<ECDSA_SIG> pair(ECDSA_SIG_new());
  SslPtr<BIGNUM> r = Number(raw.substr(0, kP256Bytes));
  SslPtr<BIGNUM> s = Number(raw.substr(kP256Bytes));
  if (pair == nullptr || r == nullptr || s == nullptr) return "";
  // Takes both over; cannot fail with two numbers.
  ECDSA_SIG_set0(pair.get(), r.release(), s.release());
  std::string der(static_cast<std::size_t>(i2d_ECDSA_SIG(pair.get(), nullptr)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_ECDSA_SIG(pair.get(), &out);
  return der;
}

}  // namespace

std::optional<PublicKey> PublicKey::FromParameters(const char* name, const OSSL_PARAM* parameters,
                                                   Type type) {
  const SslPtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, name, nullptr));
  EVP_PKEY* key = nullptr;
  // OpenSSL does not write to them, for all that it asks for them without `const`.
  auto* writable = const_cast<OSSL_PARAM*>(parameters);
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, writable) != 1) {
    return std::nullopt;
  }
  return PublicKey(std::shared_ptr<EVP_PKEY>(key, SslDeleter()), type);
}

std::optional<PublicKey> PublicKey::FromRsa(absl::string_view modulus, absl::string_view exponent) {
  const SslErrorScope errors;
  if (!IsMinimal(modulus) || !IsMinimal(exponent)) return std::nullopt;
  if (modulus.size() > kMaxModulusBits / 8 || exponent.size() > 4) return std::nullopt;
  const SslPtr<BIGNUM> n = Number(modulus), e = Number(exponent);
  if (n == nullptr || e == nullptr) return std::nullopt;
  if (BN_num_bits(n.get()) < kMinModulusBits || !BN_is_odd(n.get())) return std::nullopt;
  if (BN_get_word(e.get()) < 65537 || !BN_is_odd(e.get())) return std::nullopt;
  const std::unique_ptr<OSSL_PARAM_BLD, ParameterDeleter> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return std::nullopt;
  }
  const std::unique_ptr<OSSL_PARAM, ParameterDeleter> parameters(
      OSSL_PARAM_BLD_to_param(builder.get()));
  return FromParameters("RSA", parameters.get(), Type::kRsa);
}

std::optional<PublicKey> PublicKey::FromEcP256(absl::string_view x, absl::string_view y) {
  const SslErrorScope errors;
  if (x.size() != kP256Bytes || y.size() != kP256Bytes) return std::nullopt;
  // SEC 1 §2.3.3: 4 says that both coordinates follow. OpenSSL checks that the point is on the
  // curve.
  const std::string point = absl::StrCat("\x04", x, y);
  const std::unique_ptr<OSSL_PARAM_BLD, ParameterDeleter> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return std::nullopt;
  }
  const std::unique_ptr<OSSL_PARAM, ParameterDeleter> parameters(
      OSSL_PARAM_BLD_to_param(builder.get()));
  return FromParameters("EC", parameters.get(), Type::kEcP256);
}

bool PublicKey::Fits(JwsAlgorithm algorithm) const {
  return type_ == (algorithm == JwsAlgorithm::kEs256 ? Type::kEcP256 : Type::kRsa);
}

bool PublicKey::Verifies(JwsAlgorithm algorithm, absl::string_view signing_input,
                         absl::string_view signature) const {
  if (!Fits(algorithm) || signature.empty()) return false;
  const SslErrorScope errors;
  std::string der;
  if (algorithm == JwsAlgorithm::kEs256) {
    der = DerEcSignature(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const SslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // Belongs to `context`.
  if (context == nullptr ||
      EVP_DigestVerifyInit(context.get(), &parameters, EVP_sha256(), nullptr, key_.get()) != 1) {
    return false;
  }
  if (algorithm == JwsAlgorithm::kPs256 && !SetJwsPss(parameters)) return false;
  return EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(signing_input),
                          signing_input.size()) == 1;
}

}  // namespace tokensvc
