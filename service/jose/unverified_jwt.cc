// SPDX-License-Identifier: Apache-2.0
#include "service/jose/unverified_jwt.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "base/json.h"

namespace tokensvc {
namespace {

// The end of the year 9999: what lies beyond is no date.
constexpr double kMaxNumericDate = 253402300799.0;

bool IsBase64Url(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

absl::StatusOr<Json> DecodeObject(absl::string_view part) {
  std::string decoded;
  if (!absl::WebSafeBase64Unescape(part, &decoded)) {
    return absl::InvalidArgumentError("no base64url");
  }
  return ParseJsonObject(decoded);
}

}  // namespace

absl::StatusOr<UnverifiedJwt> ReadUnverifiedJwt(absl::string_view compact) {
  const std::vector<absl::string_view> parts = absl::StrSplit(compact, '.');
  if (parts.size() != 3 || !std::all_of(parts.begin(), parts.end(), IsBase64Url)) {
    return absl::InvalidArgumentError(
        "this is no signed JWT: it must be three parts of base64url with dots between them");
  }
  const absl::StatusOr<Json> claims = DecodeObject(parts[1]);
  if (!DecodeObject(parts[0]).ok() || !claims.ok()) {
    return absl::InvalidArgumentError(
        "this is no signed JWT: its header and claims must be JSON objects in base64url");
  }
  const auto exp = claims->find("exp");
  if (exp == claims->end() || !exp->is_number() || !(exp->get<double>() >= 0) ||
      exp->get<double>() > kMaxNumericDate) {
    return absl::InvalidArgumentError("the JWT has no exp, or one that is no time");
  }
  return UnverifiedJwt{absl::FromUnixSeconds(static_cast<std::int64_t>(exp->get<double>()))};
}

}  // namespace tokensvc
