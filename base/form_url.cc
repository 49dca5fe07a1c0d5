// SPDX-License-Identifier: Apache-2.0
#include "base/form_url.h"

#include "absl/strings/ascii.h"

namespace tokensvc {
namespace {

void AppendPercent(unsigned char byte, std::string* out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  out->push_back('%');
  out->push_back(kHex[byte >> 4]);
  out->push_back(kHex[byte & 0x0f]);
}

void AppendEncoded(absl::string_view value, absl::string_view kept, bool space_as_plus,
                   std::string* out) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || kept.find(c) != absl::string_view::npos) {
      out->push_back(c);
    } else if (c == ' ' && space_as_plus) {
      out->push_back('+');
    } else {
      AppendPercent(byte, out);
    }
  }
}

}  // namespace

std::string FormUrlEncode(absl::string_view value) {
  std::string out;
  AppendEncoded(value, "-._*", /*space_as_plus=*/true, &out);
  return out;
}

void AppendFormField(absl::string_view name, absl::string_view value, std::string* body) {
  if (!body->empty()) body->push_back('&');
  AppendEncoded(name, "-._*", true, body);
  body->push_back('=');
  AppendEncoded(value, "-._*", true, body);
}

std::string PathSegmentEncode(absl::string_view value) {
  std::string out;
  AppendEncoded(value, "-._~", /*space_as_plus=*/false, &out);
  return out;
}

}  // namespace tokensvc
