// SPDX-License-Identifier: Apache-2.0
#include "service/authority/retry_after.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace tokensvc {
namespace {

absl::Duration Bounded(absl::Duration wait) {
  return std::clamp<absl::Duration>(wait, absl::Seconds(1), kMaxRetryAfter);
}

std::optional<absl::Time> ParseHttpDate(absl::string_view text) {
  // IMF-fixdate, then the two obsolete forms that a recipient must accept.
  static constexpr const char* kFormats[] = {"%a, %d %b %Y %H:%M:%S GMT",
                                             "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};
  for (const char* format : kFormats) {
    absl::Time time;
    if (absl::ParseTime(format, text, absl::UTCTimeZone(), &time, nullptr)) return time;
  }
  return std::nullopt;
}

}  // namespace

std::optional<absl::Duration> ParseRetryAfter(absl::string_view header, absl::Time now) {
  const absl::string_view text = absl::StripAsciiWhitespace(header);
  if (text.empty() || text.size() > 64) return std::nullopt;
  if (std::all_of(text.begin(), text.end(),
                  [](unsigned char c) { return absl::ascii_isdigit(c); })) {
    std::uint32_t seconds = 0;
    if (!absl::SimpleAtoi(text, &seconds)) return kMaxRetryAfter;
    return Bounded(absl::Seconds(seconds));
  }
  // absl::ParseTime also knows "infinite-future".
  if (!absl::ascii_isalpha(static_cast<unsigned char>(text[0])) ||
      absl::StartsWith(text, "infinite")) {
    return std::nullopt;
  }
  const std::optional<absl::Time> date = ParseHttpDate(text);
  if (!date.has_value() || *date <= now) return std::nullopt;
  return Bounded(*date - now);
}

}  // namespace tokensvc
