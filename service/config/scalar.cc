// SPDX-License-Identifier: Apache-2.0
#include "service/config/scalar.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace tokensvc {
namespace {

bool AllOf(absl::string_view text, absl::string_view allowed) {
  return text.find_first_not_of(allowed) == absl::string_view::npos;
}

// Reads `<number><unit>` with the number limited to what no unit of ours can overflow.
std::optional<std::int64_t> TakeNumber(absl::string_view* text) {
  const std::size_t digits = std::min(text->find_first_not_of("0123456789"), text->size());
  if (digits == 0 || digits > 9) return std::nullopt;
  const auto number = ParseConfigInteger(text->substr(0, digits));
  text->remove_prefix(digits);
  return number;
}

}  // namespace

std::optional<std::int64_t> ParseConfigInteger(absl::string_view text) {
  absl::string_view digits = text;
  absl::ConsumePrefix(&digits, "-");
  if (digits.empty() || !AllOf(digits, "0123456789")) return std::nullopt;
  if (digits[0] == '0' && text != "0") return std::nullopt;
  std::int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

std::optional<absl::Duration> ParseConfigDuration(absl::string_view text) {
  const auto number = TakeNumber(&text);
  if (!number) return std::nullopt;
  if (text == "ms") return absl::Milliseconds(*number);
  if (text == "s") return absl::Seconds(*number);
  if (text == "m") return absl::Minutes(*number);
  if (text == "h") return absl::Hours(*number);
  return std::nullopt;
}

std::optional<std::int64_t> ParseConfigSize(absl::string_view text) {
  const auto number = TakeNumber(&text);
  if (!number) return std::nullopt;
  if (text == "B") return *number;
  if (text == "KiB") return *number << 10;
  if (text == "MiB") return *number << 20;
  if (text == "GiB") return *number << 30;
  return std::nullopt;
}

bool IsConfigName(absl::string_view text) {
  constexpr absl::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
  if (text.empty() || text.size() > 63) return false;
  return kFirst.find(text[0]) != absl::string_view::npos &&
         AllOf(text, "abcdefghijklmnopqrstuvwxyz0123456789._-");
}

bool LooksLikeOtherType(absl::string_view text) {
  for (const absl::string_view word : {"true", "false", "yes", "no", "on", "off", "y", "n", "null",
                                       "~", ".inf", "-.inf", "+.inf", ".nan"}) {
    if (absl::EqualsIgnoreCase(text, word)) return true;
  }
  double number = 0;
  if (absl::SimpleAtod(text, &number)) return true;
  absl::string_view digits = text;
  if (!absl::ConsumePrefix(&digits, "-")) absl::ConsumePrefix(&digits, "+");
  if (digits.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(digits[0]))) return false;
  if (AllOf(digits, "0123456789_.") && std::count(digits.begin(), digits.end(), '.') <= 1)
    return true;
  if (AllOf(digits, "0123456789_:.")  // Base 60, and times of day.
      && std::count(digits.begin(), digits.end(), '.') <= 1) {
    return true;
  }
  for (const absl::string_view prefix : {"0x", "0o", "0b"}) {
    if (absl::StartsWith(digits, prefix)) return AllOf(digits.substr(2), "0123456789abcdefABCDEF_");
  }
  // A date, with or without a time.
  return digits.size() >= 8 && AllOf(digits.substr(0, 4), "0123456789") && digits[4] == '-' &&
         AllOf(digits, "0123456789-:.+TtZz ");
}

}  // namespace tokensvc
