// SPDX-License-Identifier: Apache-2.0
#include "service/credential/client_assertion.h"

#include <utility>

#include "base/json.h"

namespace tokensvc {
namespace {

Json Header(const ClientAssertionFormat& format, const KeyPair& key_pair) {
  const CertificateChain& chain = key_pair.chain;
  Json header = Json::object();  // `alg` is the signer's.
  header["typ"] = "JWT";
  // RS256 is for authorities of the time before SHA-256 thumbprints, AD FS among them.
  if (key_pair.signer.algorithm() == JwsAlgorithm::kRs256) {
    header["x5t"] = chain.x5t();
  } else {
    header["x5t#S256"] = chain.x5t_s256();
  }
  if (format.send_chain) header["x5c"] = chain.x5c();
  if (format.key_id) header["kid"] = *format.key_id;
  return header;
}

Json Claims(const ClientAssertionParams& params, const ClientAssertionFormat& format,
            RandomGenerator& random) {
  Json claims = Json::object();
  claims["aud"] = format.audience.value_or(params.token_endpoint);
  claims["iss"] = params.client_id;
  claims["sub"] = params.client_id;
  claims["jti"] = MakeUuid(random);
  claims["iat"] = absl::ToUnixSeconds(params.now);
  claims["nbf"] = absl::ToUnixSeconds(params.now);
  claims["exp"] = absl::ToUnixSeconds(params.now + format.lifetime);
  return claims;
}

}  // namespace

absl::StatusOr<Secret> MakeClientAssertion(const ClientAssertionParams& params,
                                           const ClientAssertionFormat& format,
                                           const KeyPair& key_pair, RandomGenerator& random) {
  absl::StatusOr<std::string> jws =
      key_pair.signer.Sign(Header(format, key_pair), Claims(params, format, random));
  if (!jws.ok()) return jws.status();
  Secret assertion(*std::move(jws));
  if (assertion.size() > kMaxClientAssertionBytes) {
    return absl::FailedPreconditionError("the client assertion is larger than 64 KiB");
  }
  return assertion;
}

}  // namespace tokensvc
