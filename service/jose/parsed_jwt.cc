// SPDX-License-Identifier: Apache-2.0
#include "service/jose/parsed_jwt.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "service/jose/base64url.h"
#include "service/jose/claim_text.h"

namespace tokensvc {
namespace {

// An RSA signature under the largest key that is taken.
constexpr std::size_t kMaxSignatureBytes = 1024;
// Nobody needs more than an object of arrays in a header, and some more in claims.
constexpr JsonLimits kHeaderLimits = {kMaxJwtHeaderBytes, 4, 64};
constexpr JsonLimits kPayloadLimits = {kMaxJwtBytes, 8, 2048};

std::optional<Json> DecodeObject(absl::string_view part, const JsonLimits& limits) {
  const std::optional<std::string> text = DecodeBase64Url(part);
  if (!text.has_value()) return std::nullopt;
  absl::StatusOr<Json> object = ParseJsonObject(*text, limits);
  if (!object.ok()) return std::nullopt;
  return *std::move(object);
}

std::optional<JwtRefusal> ReadHeader(const Json& header, ParsedJwt& jwt) {
  if (header.contains("crit")) return JwtRefusal::kHeader;
  const std::optional<JwsAlgorithm> algorithm = FindJwsAlgorithm(StringMember(header, "alg"));
  if (!algorithm.has_value()) return JwtRefusal::kAlgorithm;
  jwt.algorithm = *algorithm;
  if (const auto kid = header.find("kid"); kid != header.end()) {
    if (!IsClaimText(*kid)) return JwtRefusal::kHeader;
    jwt.kid = kid->get<std::string>();
  }
  if (const auto type = header.find("typ"); type != header.end()) {
    if (!IsClaimText(*type)) return JwtRefusal::kHeader;
    // RFC 7515 §4.1.9: a media type, whose `application/` may be left out.
    const std::string lower = absl::AsciiStrToLower(type->get_ref<const std::string&>());
    jwt.type = std::string(absl::StripPrefix(lower, "application/"));
    if (jwt.type.empty()) return JwtRefusal::kHeader;  // Empty means absent.
  }
  return std::nullopt;
}

}  // namespace

Expected<ParsedJwt, JwtRefusal> ParseJwt(absl::string_view token) {
  if (token.size() > kMaxJwtBytes) return JwtRefusal::kTooLarge;
  const std::size_t first = token.find('.');
  if (first == absl::string_view::npos) return JwtRefusal::kMalformed;
  if (first > kMaxJwtHeaderBytes) return JwtRefusal::kTooLarge;
  const std::size_t second = token.find('.', first + 1);
  if (second == absl::string_view::npos) return JwtRefusal::kMalformed;
  const absl::string_view signature_part = token.substr(second + 1);

  const std::optional<Json> header = DecodeObject(token.substr(0, first), kHeaderLimits);
  if (!header.has_value()) return JwtRefusal::kMalformed;
  ParsedJwt jwt;
  if (const auto refusal = ReadHeader(*header, jwt); refusal.has_value()) return *refusal;

  // A further dot, as in a JWE, is no letter of base64url.
  std::optional<std::string> signature = DecodeBase64Url(signature_part);
  if (!signature.has_value() || signature->empty() || signature->size() > kMaxSignatureBytes) {
    return JwtRefusal::kMalformed;
  }
  std::optional<Json> payload =
      DecodeObject(token.substr(first + 1, second - first - 1), kPayloadLimits);
  if (!payload.has_value()) return JwtRefusal::kMalformed;
  jwt.payload = *std::move(payload);
  jwt.signing_input = std::string(token.substr(0, second));
  jwt.signature = *std::move(signature);
  return jwt;
}

}  // namespace tokensvc
