// SPDX-License-Identifier: Apache-2.0
#include "service/jose/jwt_signer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "service/jose/ssl_ptr.h"
#include "service/jose/thumbprint.h"

namespace tokensvc {
namespace {

// Half of an ES256 signature: the size of P-256's order.
constexpr int kP256Bytes = 32;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// OpenSSL gives a DER SEQUENCE of two integers; JWS has the two numbers side by side.
absl::StatusOr<std::string> RawEcSignature(absl::string_view der) {
  const unsigned char* in = Bytes(der);
  const SslPtr<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
  if (signature == nullptr) return absl::InternalError("JWT: the EC signature cannot be read");
  std::string raw(2 * kP256Bytes, '\0');
  if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), Bytes(raw), kP256Bytes) != kP256Bytes ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), Bytes(raw) + kP256Bytes, kP256Bytes) !=
          kP256Bytes) {
    return absl::InternalError("JWT: the EC signature is too large");
  }
  return raw;
}

absl::StatusOr<std::string> Serialize(const Json& object) {
  if (!object.is_object()) return absl::InvalidArgumentError("JWT: not a JSON object");
  try {
    return object.dump();
  } catch (const Json::exception&) {  // Its text quotes the bytes.
    return absl::InvalidArgumentError("JWT: a text is not valid UTF-8");
  }
}

}  // namespace

absl::StatusOr<JwtSigner> JwtSigner::Create(JwsAlgorithm algorithm, PrivateKey key) {
  const auto wanted =
      algorithm == JwsAlgorithm::kEs256 ? PrivateKey::Type::kEcP256 : PrivateKey::Type::kRsa;
  if (key.type() != wanted) {
    return absl::InvalidArgumentError(absl::StrCat(
        JwsAlgorithmName(algorithm), " needs ",
        wanted == PrivateKey::Type::kRsa ? "an RSA key" : "an EC key on the curve P-256"));
  }
  return JwtSigner(algorithm, std::move(key));
}

absl::StatusOr<std::string> JwtSigner::SignBytes(absl::string_view signing_input) const {
  const SslErrorScope errors;
  const SslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // Belongs to `context`.
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), &parameters, EVP_sha256(), nullptr, key_.get()) != 1) {
    return absl::InternalError("JWT: the signature cannot be started");
  }
  if (algorithm_ == JwsAlgorithm::kPs256 && !SetJwsPss(parameters)) {
    return absl::InternalError("JWT: the key refuses PSS");
  }
  const auto size = static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()));
  std::string signature(size, '\0');
  std::size_t written = size;
  if (EVP_DigestSign(context.get(), Bytes(signature), &written, Bytes(signing_input),
                     signing_input.size()) != 1) {
    return absl::InternalError("JWT: the signature failed");
  }
  signature.resize(written);
  if (algorithm_ == JwsAlgorithm::kEs256) return RawEcSignature(signature);
  return signature;
}

absl::StatusOr<std::string> JwtSigner::Sign(const Json& header, const Json& payload) const {
  if (!header.is_object()) return absl::InvalidArgumentError("JWT: not a JSON object");
  Json complete = header;
  complete["alg"] = std::string(JwsAlgorithmName(algorithm_));
  absl::StatusOr<std::string> header_text = Serialize(complete);
  if (!header_text.ok()) return header_text.status();
  absl::StatusOr<std::string> payload_text = Serialize(payload);
  if (!payload_text.ok()) return payload_text.status();
  std::string jws = absl::StrCat(Base64Url(*header_text), ".", Base64Url(*payload_text));
  absl::StatusOr<std::string> signature = SignBytes(jws);
  if (!signature.ok()) return signature.status();
  absl::StrAppend(&jws, ".", Base64Url(*signature));
  return jws;
}

}  // namespace tokensvc
