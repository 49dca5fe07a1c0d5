// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/terminal_text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tokensvc::tokenctl {
namespace {

/// One code point at the start of `text`; `length` 0 where the bytes are not UTF-8 (RFC 3629).
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;
};

CodePoint Decode(absl::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length == 0 || lead > 0xf4 || text.size() < length) return {};
  char32_t value = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3fU);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
    return {};
  }
  return {value, length};
}

/// Whether a terminal would act on it, or a reader be deceived by it.
bool IsUnsafe(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe0fff);
}

}  // namespace

std::string EscapeForTerminal(absl::string_view text, std::size_t max_bytes) {
  const std::size_t whole = text.size();
  text = text.substr(0, max_bytes);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    if (point.length == 0) {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    if (point.value == '\\') {
      out.append("\\\\");
    } else if (point.value < 0x80 && IsUnsafe(point.value)) {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<std::uint32_t>(point.value));
    } else if (IsUnsafe(point.value)) {
      absl::StrAppendFormat(&out, "\\u{%x}", static_cast<std::uint32_t>(point.value));
    } else {
      absl::StrAppend(&out, text.substr(0, point.length));
    }
    text.remove_prefix(point.length);
  }
  if (whole > max_bytes) absl::StrAppend(&out, "... (", whole - max_bytes, " bytes more)");
  return out;
}

std::string JsonText(const Json& value, int indent) {
  return value.dump(indent, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

std::string AbsoluteTime(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string RelativeTime(absl::Time time, absl::Time now) {
  const std::int64_t total = absl::ToInt64Seconds(time - now);
  std::uint64_t left =
      total < 0 ? -static_cast<std::uint64_t>(total) : static_cast<std::uint64_t>(total);
  struct Unit {
    std::uint64_t seconds;
    const char* name;
  };
  std::string text;
  int shown = 0;
  for (const Unit unit : {Unit{86400, "d"}, Unit{3600, "h"}, Unit{60, "m"}, Unit{1, "s"}}) {
    const std::uint64_t count = left / unit.seconds;
    left %= unit.seconds;
    if (count == 0 && !(unit.seconds == 1 && text.empty())) continue;
    if (++shown > 2) break;
    absl::StrAppend(&text, count, unit.name);
  }
  return time < now ? absl::StrCat(text, " ago") : absl::StrCat("in ", text);
}

}  // namespace tokensvc::tokenctl
