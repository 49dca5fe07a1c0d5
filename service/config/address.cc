// SPDX-License-Identifier: Apache-2.0
#include "service/config/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/host_name.h"
#include "service/config/scalar.h"

namespace tokensvc {
namespace {

bool IsIpv4(const std::string& text) {
  in_addr address;
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool IsIpv6(const std::string& text) {
  in6_addr address;
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

struct HostAndPortText {
  absl::string_view host;
  bool bracketed = false;
  std::optional<absl::string_view> port;
};

std::optional<HostAndPortText> SplitHostPort(absl::string_view text) {
  HostAndPortText parts;
  if (absl::ConsumePrefix(&text, "[")) {
    const std::size_t end = text.find(']');
    if (end == absl::string_view::npos) return std::nullopt;
    parts.host = text.substr(0, end);
    parts.bracketed = true;
    text.remove_prefix(end + 1);
  } else {
    const std::size_t end = std::min(text.find(':'), text.size());
    parts.host = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (absl::ConsumePrefix(&text, ":")) {
    parts.port = text;
  } else if (!text.empty()) {
    return std::nullopt;
  }
  return parts;
}

std::optional<std::uint16_t> ParsePort(absl::string_view text) {
  const auto port = ParseConfigInteger(text);
  if (!port || *port < 0 || *port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

/// What keeps `text`, which is a URL without its scheme, from being one of ours; empty = nothing.
/// `host` is set where it gets that far.
absl::string_view ProblemOfUrlRest(absl::string_view text, std::string* host) {
  for (const char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)) ||
        absl::StrContains("\\\"<>^`{|}", c)) {
      return "has a character that no URL may have";
    }
  }
  if (text.find_first_of("?#") != absl::string_view::npos) {
    return "must have no query (?) and no fragment (#)";
  }
  const std::size_t slash = std::min(text.find('/'), text.size());
  const absl::string_view authority = text.substr(0, slash);
  if (absl::StrContains(authority, '@')) return "must have no user name or password (@)";
  const auto parts = SplitHostPort(authority);
  const bool host_ok =
      parts && (parts->bracketed ? IsIpv6(std::string(parts->host))
                                 : IsHostName(parts->host) || IsIpv4(std::string(parts->host)));
  if (!host_ok) return "must name a host after https://, as a DNS name or an IP address";
  if (parts->port && ParsePort(*parts->port).value_or(0) == 0) {
    return "must have a port between 1 and 65535, or none";
  }
  for (const absl::string_view segment : absl::StrSplit(text.substr(slash), '/')) {
    if (segment == "." || segment == "..") return "must have no . or .. in its path";
  }
  *host = std::string(parts->host);
  return "";
}

}  // namespace

std::optional<HostPort> ParseHostPort(absl::string_view text) {
  const auto parts = SplitHostPort(text);
  if (!parts || !parts->port) return std::nullopt;
  const auto port = ParsePort(*parts->port);
  if (!port) return std::nullopt;
  std::string host(parts->host);
  const bool accepted =
      parts->bracketed ? IsIpv6(host) : IsIpv4(host) || absl::EqualsIgnoreCase(host, "localhost");
  if (!accepted) return std::nullopt;
  return HostPort{std::move(host), *port};
}

std::optional<HostPort> ParseServerAddress(absl::string_view text) {
  const auto parts = SplitHostPort(text);
  if (!parts || !parts->port) return std::nullopt;
  const std::uint16_t port = ParsePort(*parts->port).value_or(0);
  std::string host(parts->host);
  const bool accepted = parts->bracketed ? IsIpv6(host) : IsIpv4(host) || IsHostName(host);
  if (!accepted || port == 0) return std::nullopt;
  return HostPort{std::move(host), port};
}

absl::string_view ProblemOfAuthorityUrl(absl::string_view text) {
  const bool https = absl::ConsumePrefix(&text, "https://");
  if (!https && !absl::ConsumePrefix(&text, "http://")) {
    return "must be a URL that starts with https://";
  }
  std::string host;
  const absl::string_view problem = ProblemOfUrlRest(text, &host);
  if (problem.empty() && !https && !IsLoopbackHost(host)) {
    return "must start with https://: http is for loopback addresses only";
  }
  return problem;
}

absl::string_view ProblemOfPlatformUrl(absl::string_view text) {
  constexpr absl::string_view kMustBe =
      "must be a URL that starts with http:// and a loopback or link-local address (127.0.0.1, "
      "169.254.169.254, localhost): what the platform offers on this machine";
  if (!absl::ConsumePrefix(&text, "http://")) return kMustBe;
  std::string host;
  const absl::string_view problem = ProblemOfUrlRest(text, &host);
  if (!problem.empty()) return problem;
  return IsLoopbackHost(host) || IsLinkLocalHost(host) ? "" : kMustBe;
}

}  // namespace tokensvc
