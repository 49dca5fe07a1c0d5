// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/jwt.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/authority/encoding.h"

namespace tokensvc::devauth {
namespace {
constexpr size_t kMaxJwtBytes = 64 * 1024;
}  // namespace

std::optional<ParsedJwt> ParseJwt(absl::string_view compact) {
  if (compact.size() > kMaxJwtBytes) return std::nullopt;
  const std::vector<absl::string_view> parts = absl::StrSplit(compact, '.');
  if (parts.size() != 3) return std::nullopt;
  const std::optional<std::string> header = Base64UrlDecode(parts[0]);
  const std::optional<std::string> claims = Base64UrlDecode(parts[1]);
  std::optional<std::string> signature = Base64UrlDecode(parts[2]);
  if (!header || !claims || !signature) return std::nullopt;
  std::optional<Json> header_json = ParseStrictJson(*header);
  std::optional<Json> claims_json = ParseStrictJson(*claims);
  if (!header_json || !header_json->is_object() || !claims_json || !claims_json->is_object()) {
    return std::nullopt;
  }
  return ParsedJwt{*std::move(header_json), *std::move(claims_json),
                   absl::StrCat(parts[0], ".", parts[1]), *std::move(signature)};
}

std::string SignJwt(const SigningKey& key, const Json& claims) {
  const Json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"kid", key.kid()}};
  const std::string input =
      absl::StrCat(Base64UrlEncode(DumpJson(header)), ".", Base64UrlEncode(DumpJson(claims)));
  return absl::StrCat(input, ".", Base64UrlEncode(key.Sign(input)));
}

}  // namespace tokensvc::devauth
