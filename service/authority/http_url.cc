// SPDX-License-Identifier: Apache-2.0
#include "service/authority/http_url.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/host_name.h"
#include "service/authority/grammar.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxUrl = 2048;

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return absl::ascii_isdigit(c); });
}

bool IsDottedQuad(absl::string_view host) {
  const std::vector<absl::string_view> parts = absl::StrSplit(host, '.');
  if (parts.size() != 4) return false;
  return std::all_of(parts.begin(), parts.end(), [](absl::string_view part) {
    int value = 0;
    // A leading zero means octal to some resolvers.
    if (!IsDigits(part) || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return false;
    return absl::SimpleAtoi(part, &value) && value <= 255;
  });
}

bool IsBracketedIpv6(absl::string_view host) {
  if (host.size() < 4 || host.size() > 47 || host.front() != '[' || host.back() != ']')
    return false;
  const absl::string_view inside = host.substr(1, host.size() - 2);
  return std::all_of(inside.begin(), inside.end(), [](unsigned char c) {
    return absl::ascii_isxdigit(c) || c == ':' || c == '.';
  });
}

bool HasDotSegment(absl::string_view path) {
  for (const absl::string_view segment : absl::StrSplit(path.substr(0, path.find('?')), '/')) {
    const std::string lower = absl::AsciiStrToLower(segment);
    if (lower == "." || lower == ".." || absl::StrContains(lower, "%2e")) return true;
  }
  return false;
}

}  // namespace

std::string HttpUrl::HostAndPort() const {
  return port.empty() ? host : absl::StrCat(host, ":", port);
}

std::string HttpUrl::Origin() const {
  return absl::StrCat(https ? "https://" : "http://", HostAndPort());
}

std::optional<HttpUrl> ParseHttpUrl(absl::string_view url) {
  if (url.size() > kMaxUrl || !IsVisibleAscii(url)) return std::nullopt;
  if (url.find_first_of("\\#<>\"`{}|^") != absl::string_view::npos) return std::nullopt;
  HttpUrl parsed;
  if (absl::StartsWithIgnoreCase(url, "https://")) {
    parsed.https = true;
    url.remove_prefix(8);
  } else if (absl::StartsWithIgnoreCase(url, "http://")) {
    url.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  absl::string_view authority = url.substr(0, end);
  const absl::string_view path = url.substr(end);
  if (authority.find('@') != absl::string_view::npos || HasDotSegment(path)) return std::nullopt;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == absl::string_view::npos ? 0 : bracket);
  if (colon != absl::string_view::npos) {
    const absl::string_view port = authority.substr(colon + 1);
    int number = 0;
    if (!IsDigits(port) || !absl::SimpleAtoi(port, &number) || number < 1 || number > 65535) {
      return std::nullopt;
    }
    parsed.port = std::string(port);
    authority = authority.substr(0, colon);
  }
  if (!IsHostName(authority) && !IsDottedQuad(authority) && !IsBracketedIpv6(authority)) {
    return std::nullopt;
  }
  parsed.host = absl::AsciiStrToLower(authority);
  parsed.path = std::string(path);
  return parsed;
}

bool IsIpAddress(absl::string_view host) { return IsDottedQuad(host) || IsBracketedIpv6(host); }

bool IsSameSite(absl::string_view host, absl::string_view site) {
  if (host == site) return true;
  return !IsIpAddress(host) && !IsIpAddress(site) && host.size() > site.size() &&
         absl::EndsWith(host, site) && host[host.size() - site.size() - 1] == '.';
}

}  // namespace tokensvc
