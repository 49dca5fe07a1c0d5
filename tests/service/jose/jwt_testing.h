// SPDX-License-Identifier: Apache-2.0
// JWTs and JWK sets for tests, well-formed or not.
#ifndef TOKENSVC_TESTS_SERVICE_JOSE_JWT_TESTING_H_
#define TOKENSVC_TESTS_SERVICE_JOSE_JWT_TESTING_H_

#include <openssl/core_names.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "service/jose/base64url.h"
#include "service/jose/jwk_set.h"
#include "service/jose/jwt_signer.h"
#include "tests/service/jose/test_keys.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc::testing {

inline std::string KeyNumber(EVP_PKEY* key, const char* name, int size = 0) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  const SslPtr<BIGNUM> owner(number);
  std::string bytes(static_cast<std::size_t>(size != 0 ? size : BN_num_bytes(number)), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
               static_cast<int>(bytes.size()));
  return Base64Url(bytes);
}

/// The public JWK of a key, with whatever `more` adds.
inline Json JwkOf(EVP_PKEY* key, const std::string& kid, const Json& more = Json::object()) {
  Json jwk = {{"kid", kid}};
  if (EVP_PKEY_is_a(key, "RSA")) {
    jwk.update({{"kty", "RSA"},
                {"n", KeyNumber(key, OSSL_PKEY_PARAM_RSA_N)},
                {"e", KeyNumber(key, OSSL_PKEY_PARAM_RSA_E)}});
  } else {
    jwk.update({{"kty", "EC"},
                {"crv", "P-256"},
                {"x", KeyNumber(key, OSSL_PKEY_PARAM_EC_PUB_X, 32)},
                {"y", KeyNumber(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32)}});
  }
  jwk.update(more);
  return jwk;
}

inline std::string JwkSetText(const std::vector<Json>& keys) { return Json{{"keys", keys}}.dump(); }

/// A set that must be readable.
inline JwkSet JwkSetOf(const std::vector<Json>& keys) {
  return JwkSet::Parse(JwkSetText(keys)).value();
}

/// Header and payload may be any text: only the signature is right.
inline std::string SignRaw(JwsAlgorithm algorithm, EVP_PKEY* key, absl::string_view header,
                           absl::string_view payload) {
  const JwtSigner signer =
      JwtSigner::Create(algorithm, PrivateKey::FromPem(Secret(KeyPem(key))).value()).value();
  const std::string input = absl::StrCat(Base64Url(header), ".", Base64Url(payload));
  return absl::StrCat(input, ".", Base64Url(signer.SignBytes(input).value()));
}

inline constexpr char kTestIssuer[] = "https://issuer.example";
inline constexpr char kTestAudience[] = "tokensvc";

/// Claims that a verifier for `kTestIssuer` takes at the fake clock's start.
inline Json GoodClaims() {
  const std::int64_t now = absl::ToUnixSeconds(FakeClock::Start());
  return {{"iss", kTestIssuer}, {"sub", "orders"},   {"aud", kTestAudience},
          {"iat", now},         {"exp", now + 3600}, {"nbf", now}};
}

inline std::string GoodToken(EVP_PKEY* key, const std::string& kid,
                             const Json& claims = GoodClaims()) {
  const bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;
  const Json header = {{"alg", rsa ? "RS256" : "ES256"}, {"kid", kid}, {"typ", "JWT"}};
  return SignRaw(rsa ? JwsAlgorithm::kRs256 : JwsAlgorithm::kEs256, key, header.dump(),
                 claims.dump());
}

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_SERVICE_JOSE_JWT_TESTING_H_
