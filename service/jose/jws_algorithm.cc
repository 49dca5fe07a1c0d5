// SPDX-License-Identifier: Apache-2.0
#include "service/jose/jws_algorithm.h"

#include <openssl/rsa.h>

namespace tokensvc {

absl::string_view JwsAlgorithmName(JwsAlgorithm algorithm) {
  switch (algorithm) {
    case JwsAlgorithm::kPs256:
      return "PS256";
    case JwsAlgorithm::kRs256:
      return "RS256";
    case JwsAlgorithm::kEs256:
      return "ES256";
  }
  return "";
}

std::optional<JwsAlgorithm> FindJwsAlgorithm(absl::string_view name) {
  for (const JwsAlgorithm algorithm :
       {JwsAlgorithm::kPs256, JwsAlgorithm::kRs256, JwsAlgorithm::kEs256}) {
    if (name == JwsAlgorithmName(algorithm)) return algorithm;
  }
  return std::nullopt;
}

bool SetJwsPss(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
}

}  // namespace tokensvc
