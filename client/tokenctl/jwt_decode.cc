// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/jwt_decode.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"

namespace tokensvc::tokenctl {
namespace {

/// base64url as RFC 7515 §2 has it: no padding, no white space. Abseil's decoder takes both, so
/// they are ruled out first.
bool IsBase64Url(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return false;
  }
  return text.size() % 4 != 1;
}

absl::StatusOr<Json> DecodeObject(absl::string_view segment, const char* refusal) {
  std::string text;
  if (segment.empty() || !IsBase64Url(segment) || !absl::WebSafeBase64Unescape(segment, &text)) {
    return absl::InvalidArgumentError(refusal);
  }
  absl::StatusOr<Json> json = ParseJsonObject(text);
  if (!json.ok()) return absl::InvalidArgumentError(refusal);
  return json;
}

}  // namespace

absl::StatusOr<DecodedJwt> DecodeJwtUnverified(absl::string_view token) {
  if (token.size() > kMaxTokenBytes) return absl::InvalidArgumentError("too long for a JWT");
  const std::vector<absl::string_view> parts = absl::StrSplit(token, absl::MaxSplits('.', 5));
  if (parts.size() == 5) {
    return absl::InvalidArgumentError("an encrypted JWT (JWE): only the resource can read it");
  }
  if (parts.size() != 3) return absl::InvalidArgumentError("not a JWT (an opaque token)");
  absl::StatusOr<Json> header = DecodeObject(parts[0], "not a JWT: its header is no JSON object");
  if (!header.ok()) return header.status();
  absl::StatusOr<Json> claims = DecodeObject(parts[1], "not a JWT: its claims are no JSON object");
  if (!claims.ok()) return claims.status();
  if (!IsBase64Url(parts[2])) {
    return absl::InvalidArgumentError("not a JWT: its signature is no base64url");
  }
  return DecodedJwt{*std::move(header), *std::move(claims), parts[2].size()};
}

}  // namespace tokensvc::tokenctl
