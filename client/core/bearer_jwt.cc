// SPDX-License-Identifier: Apache-2.0
#include "client/core/bearer_jwt.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tokensvc::client {
namespace {

/// A JWT that its writer has not finished mostly lacks a part, or ends within four characters.
bool IsBase64Url(absl::string_view text) {
  return !text.empty() && text.size() % 4 != 1 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_';
         });
}

}  // namespace

absl::StatusOr<Secret> BearerOf(absl::string_view file_content) {
  const absl::string_view jwt = absl::StripAsciiWhitespace(file_content);
  if (jwt.empty()) return absl::InvalidArgumentError("the file is empty");
  const std::size_t first = jwt.find('.');
  const std::size_t second = jwt.find('.', first == absl::string_view::npos ? first : first + 1);
  if (second == absl::string_view::npos || !IsBase64Url(jwt.substr(0, first)) ||
      !IsBase64Url(jwt.substr(first + 1, second - first - 1)) ||
      !IsBase64Url(jwt.substr(second + 1))) {
    return absl::InvalidArgumentError("the file holds no JWT (three parts in base64url)");
  }
  return Secret(absl::StrCat("Bearer ", jwt));
}

}  // namespace tokensvc::client
