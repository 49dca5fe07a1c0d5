// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/form.h"

#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tokensvc::devauth {
namespace {

constexpr size_t kMaxParameters = 64;

bool MayStandRaw(char c) {
  const unsigned char byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f &&
         absl::string_view("\"<>\\^`{|}&=#").find(c) == absl::string_view::npos;
}

}  // namespace

absl::StatusOr<std::string> FormDecode(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] == '%') {
      if (i + 2 >= text.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) ||
          !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
        return absl::InvalidArgumentError("malformed percent encoding");
      }
      out += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else if (MayStandRaw(text[i])) {
      out.push_back(text[i]);
    } else {
      return absl::InvalidArgumentError("a byte that must be percent-encoded is not");
    }
  }
  return out;
}

absl::StatusOr<Form> ParseForm(absl::string_view body) {
  Form form;
  std::set<std::string> seen;
  const std::vector<absl::string_view> pairs = absl::StrSplit(body, '&');
  if (pairs.size() > kMaxParameters) return absl::InvalidArgumentError("too many parameters");
  for (const absl::string_view pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == absl::string_view::npos || equals == 0) {
      return absl::InvalidArgumentError("a form parameter is not name=value");
    }
    absl::StatusOr<std::string> name = FormDecode(pair.substr(0, equals));
    if (!name.ok()) return name.status();
    absl::StatusOr<std::string> value = FormDecode(pair.substr(equals + 1));
    if (!value.ok()) return value.status();
    if (!seen.insert(*name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("the parameter '", absl::CHexEscape(name->substr(0, 64)), "' occurs twice"));
    }
    if (!value->empty()) form[*name] = *std::move(value);
  }
  return form;
}

absl::StatusOr<Form> ParseQuery(absl::string_view query) {
  if (query.empty()) return Form();
  return ParseForm(query);
}

}  // namespace tokensvc::devauth
