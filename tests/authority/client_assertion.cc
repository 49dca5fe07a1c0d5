// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/client_assertion.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tests/authority/encoding.h"

namespace tokensvc::devauth {
namespace {

constexpr size_t kMaxJtiBytes = 256;

// The certificate that the header names. Both thumbprints, where both are sent, name the same one.
const RegisteredCertificate* NamedCertificate(const Json& header, const RegisteredClient& client) {
  const bool has_s256 = header.contains("x5t#S256");
  const bool has_s1 = header.contains("x5t");
  if (!has_s256 && !has_s1) return nullptr;
  for (const RegisteredCertificate& certificate : client.certificates) {
    if (has_s256 && StringMember(header, "x5t#S256") != certificate.x5t_s256) continue;
    if (has_s1 && StringMember(header, "x5t") != certificate.x5t) continue;
    return &certificate;
  }
  return nullptr;
}

// RFC 7515 §4.1.6: an array of standard base64 DER, the leaf first.
bool ChainMatches(const Json& header, const RegisteredCertificate& certificate) {
  const auto x5c = header.find("x5c");
  if (x5c == header.end()) return true;
  if (!x5c->is_array() || x5c->empty() || !x5c->front().is_string()) return false;
  return Base64Decode(x5c->front().get<std::string>()) == certificate.der;
}

std::optional<OAuthError> CheckSignature(const ParsedJwt& assertion,
                                         const RegisteredClient& client) {
  const std::string alg = StringMember(assertion.header, "alg").value_or("");
  if (alg != "PS256" && alg != "RS256" && alg != "ES256") return EntraError(5002730);
  if (assertion.header.contains("crit")) {
    return EntraError(50027, "JWT token is malformed: critical header parameters.");
  }
  if (assertion.header.contains("typ") && StringMember(assertion.header, "typ") != "JWT") {
    return EntraError(50027, "JWT token is malformed: 'typ' is not JWT.");
  }
  const RegisteredCertificate* certificate = NamedCertificate(assertion.header, client);
  if (certificate == nullptr) return EntraError(700027);
  if (!ChainMatches(assertion.header, *certificate)) {
    return EntraError(700027, "The 'x5c' chain does not begin with the registered certificate.");
  }
  if (!VerifySignature(alg, certificate->public_key.get(), assertion.signing_input,
                       assertion.signature)) {
    return EntraError(700027,
                      "Client assertion failed signature validation. The signature is invalid.");
  }
  return std::nullopt;
}

bool AudienceIs(const Json& claims, absl::string_view wanted) {
  const auto aud = claims.find("aud");
  if (aud == claims.end()) return false;
  const Json& value = aud->is_array() && aud->size() == 1 ? aud->front() : *aud;
  return value.is_string() && value.get<std::string>() == wanted;
}

// A NumericDate (RFC 7519 §2) is a JSON number; strings are refused. Outside the representable
// range there is no time either.
bool ReadTime(const Json& claims, const char* name, std::optional<absl::Time>& out) {
  const auto it = claims.find(name);
  if (it == claims.end()) return true;
  if (!it->is_number()) return false;
  const double seconds = it->get<double>();
  if (!std::isfinite(seconds) || std::abs(seconds) > 1e11) return false;
  out = absl::UnixEpoch() + absl::Seconds(seconds);
  return true;
}

std::optional<OAuthError> CheckTimes(const Json& claims, absl::Time now, absl::Time& expiry) {
  std::optional<absl::Time> exp;
  std::optional<absl::Time> nbf;
  std::optional<absl::Time> iat;
  if (!ReadTime(claims, "exp", exp) || !ReadTime(claims, "nbf", nbf) ||
      !ReadTime(claims, "iat", iat)) {
    return EntraError(50027, "JWT token is malformed: a time claim is not a number.");
  }
  if (!exp) return EntraError(50027, "JWT token is malformed: no 'exp'.");
  const absl::Time start = nbf ? *nbf : iat.value_or(now);
  const bool outside =
      now > *exp + kAssertionSkew || (nbf && *nbf > now + kAssertionSkew) ||
      (iat && *iat > now + kAssertionSkew) || *exp <= start ||
      *exp - std::min(start, iat.value_or(start)) > kMaxAssertionLife + kAssertionSkew;
  if (outside) return EntraError(700024);
  expiry = *exp + kAssertionSkew;
  return std::nullopt;
}

}  // namespace

std::optional<OAuthError> VerifyClientAssertion(const ParsedJwt& assertion,
                                                const RegisteredClient& client,
                                                absl::string_view token_endpoint, absl::Time now,
                                                ReplayCache& replays) {
  if (std::optional<OAuthError> refusal = CheckSignature(assertion, client)) return refusal;
  const std::string& id = client.client.id;
  if (StringMember(assertion.claims, "iss") != id || StringMember(assertion.claims, "sub") != id) {
    return EntraError(700021);
  }
  if (!AudienceIs(assertion.claims, token_endpoint)) return EntraError(700023);
  absl::Time expiry;
  if (std::optional<OAuthError> refusal = CheckTimes(assertion.claims, now, expiry)) {
    return refusal;
  }
  const std::string jti = StringMember(assertion.claims, "jti").value_or("");
  if (jti.empty() || jti.size() > kMaxJtiBytes) {
    return EntraError(50027, "JWT token is malformed: no usable 'jti'.");
  }
  switch (replays.Note(absl::StrCat(id.size(), ":", id, jti), expiry, now)) {
    case ReplayCache::Result::kFresh:
      return std::nullopt;
    case ReplayCache::Result::kReplayed:
      return EntraError(50027, "JWT token is invalid: this 'jti' was presented before.");
    case ReplayCache::Result::kFull:
      return EntraError(90033);
  }
  return EntraError(50027);
}

std::optional<OAuthError> VerifyFederatedAssertion(const ParsedJwt& assertion,
                                                   const RegisteredClient& client, absl::Time now) {
  const std::string alg = StringMember(assertion.header, "alg").value_or("");
  const std::string issuer = StringMember(assertion.claims, "iss").value_or("");
  for (size_t i = 0; i < client.client.federated.size(); ++i) {
    const FederatedIdentity& identity = client.client.federated[i];
    if (identity.issuer != issuer ||
        identity.subject != StringMember(assertion.claims, "sub").value_or("")) {
      continue;
    }
    if (!AudienceIs(assertion.claims, identity.audience)) return EntraError(700212);
    if (!VerifySignature(alg, client.federated[i].public_key.get(), assertion.signing_input,
                         assertion.signature)) {
      return EntraError(700027);
    }
    std::optional<absl::Time> exp;
    if (!ReadTime(assertion.claims, "exp", exp) || !exp) return EntraError(50027);
    if (now > *exp + kAssertionSkew) return EntraError(700024);
    return std::nullopt;
  }
  return EntraError(70021);
}

}  // namespace tokensvc::devauth
