// SPDX-License-Identifier: Apache-2.0
// A JWT, and the claims in one: no signature is made here, so none may verify; a token that can be
// taken apart has no second spelling; claims that pass hold what the profile wants.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "service/jose/base64url.h"
#include "service/jose/jwt_verifier.h"

namespace tokensvc {
namespace {

const JwtVerifier& Verifier() {
  static const JwtVerifier* const verifier = [] {
    JwtProfile profile;
    profile.issuer = "https://login.example/{tenantid}/v2.0";
    profile.audiences = {"tokensvc"};
    return new JwtVerifier(JwtVerifier::Create(profile).value());
  }();
  return *verifier;
}

// The key of RFC 7515, Appendix A.3.
const JwkSet& Keys() {
  static const JwkSet* const keys =
      new JwkSet(JwkSet::Parse(R"({"keys":[{"kty":"EC","crv":"P-256","kid":"a",
          "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
          "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})")
                     .value());
  return *keys;
}

void TryToken(absl::string_view token) {
  const absl::Time now = absl::FromUnixSeconds(1767323045);
  const auto jwt = ParseJwt(token);
  if (!jwt.ok()) return;
  if (absl::StrCat(jwt->signing_input, ".", Base64Url(jwt->signature)) != token) std::abort();
  if (!jwt->payload.is_object()) std::abort();
  if (Verifier().Verify(token, Keys(), now).ok()) std::abort();
  const auto claims = ReadJwtClaims(jwt->payload);
  if (!claims.ok() || Verifier().CheckClaims(*jwt, *claims, now).has_value()) return;
  if (claims->subject.empty() || absl::StrContains(claims->subject, '\0')) std::abort();
  if (claims->expires_at <= now || claims->expires_at > now + absl::Hours(25)) std::abort();
  if (claims->issuer != absl::StrCat("https://login.example/", claims->tenant_id, "/v2.0")) {
    std::abort();
  }
}

}  // namespace
}  // namespace tokensvc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  tokensvc::TryToken(text);
  // As claims, and with a line in front of them as the header: base64 hides them from the fuzzer.
  const std::size_t line = text.find('\n');
  const bool both = line != absl::string_view::npos;
  const absl::string_view header = both ? text.substr(0, line) : R"({"alg":"ES256","kid":"a"})";
  const absl::string_view payload = both ? text.substr(line + 1) : text;
  tokensvc::TryToken(absl::StrCat(tokensvc::Base64Url(header), ".", tokensvc::Base64Url(payload),
                                  ".", tokensvc::Base64Url(std::string(64, '\1'))));
  return 0;
}
