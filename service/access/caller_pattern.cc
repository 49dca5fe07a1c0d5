// SPDX-License-Identifier: Apache-2.0
#include "service/access/caller_pattern.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace tokensvc {
namespace {

constexpr std::array<absl::string_view, 5> kForms = {"spiffe://", "uri:", "dns:", "jwt:", "local:"};

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
}

}  // namespace

std::string CallerPatternMistake(absl::string_view pattern) {
  if (pattern == "*") return "";
  const auto form = std::find_if(kForms.begin(), kForms.end(), [&](absl::string_view prefix) {
    return absl::StartsWith(pattern, prefix) && pattern.size() > prefix.size();
  });
  if (form == kForms.end()) {
    return "must be group:NAME, \"*\", or an id that begins with spiffe://, uri:, dns:, jwt: or "
           "local:, such as spiffe://prod.example/ns/orders/sa/api";
  }
  if (pattern.size() > kMaxCallerId || !IsPrintable(pattern)) {
    return "must be printable ASCII without spaces, at most 2048 characters";
  }
  const std::size_t star = pattern.find('*');
  if (star != absl::string_view::npos && std::count_if(pattern.begin(), pattern.end(), [](char c) {
                                           return c == '/' || c == ':' || c == '.';
                                         }) > kMaxSeparators) {
    return "has more parts than a pattern may have (32); name the whole id";
  }
  if (*form == "dns:") {
    if (std::any_of(pattern.begin(), pattern.end(),
                    [](char c) { return absl::ascii_isupper(static_cast<unsigned char>(c)); })) {
      return "must be in lower case";
    }
    const bool whole = star == absl::string_view::npos;
    const bool suffix =
        star == 4 && pattern.rfind('*') == 4 && pattern.size() > 6 && pattern[5] == '.';
    return whole || suffix ? ""
                           : "may have one *, before a dot at its beginning: dns:*.example.com";
  }
  if (star == absl::string_view::npos) return "";
  const char before = pattern[star - 1];
  if (star + 1 != pattern.size() || (before != '/' && before != ':') || star <= form->size() - 1) {
    return "may have one *, at its end and after a / or a colon: spiffe://prod.example/ns/orders/*";
  }
  return "";
}

}  // namespace tokensvc
