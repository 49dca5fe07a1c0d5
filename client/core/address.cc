// SPDX-License-Identifier: Apache-2.0
#include "client/core/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace tokensvc::client {
namespace {

struct HostPort {
  std::string host;
  bool ipv6 = false;
};

bool IsPort(absl::string_view text) {
  std::uint32_t port = 0;
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c); }) &&
         absl::SimpleAtoi(text, &port) && port >= 1 && port <= 65535;
}

bool IsHostName(absl::string_view host) {
  return !host.empty() && host.size() <= 253 &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
         });
}

/// Empty host: not of this form.
HostPort Split(absl::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || !IsPort(address.substr(colon + 1))) return {};
  absl::string_view host = address.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) {
    if (!absl::ConsumeSuffix(&host, "]")) return {};
    in6_addr parsed;
    const std::string text(host);
    if (inet_pton(AF_INET6, text.c_str(), &parsed) != 1) return {};
    return {text, true};
  }
  if (!IsHostName(host)) return {};
  return {std::string(host), false};
}

}  // namespace

bool IsAddress(absl::string_view address) {
  if (absl::ConsumePrefix(&address, "unix:")) return !address.empty();
  return !Split(address).host.empty();
}

bool IsLoopback(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const HostPort split = Split(address);
  if (split.ipv6) {
    in6_addr parsed;
    return inet_pton(AF_INET6, split.host.c_str(), &parsed) == 1 && IN6_IS_ADDR_LOOPBACK(&parsed);
  }
  if (absl::EqualsIgnoreCase(split.host, "localhost")) return true;
  in_addr parsed;  // A name such as 127.example.com is no address, and fails here.
  return inet_pton(AF_INET, split.host.c_str(), &parsed) == 1 &&
         (ntohl(parsed.s_addr) >> 24) == 127;
}

}  // namespace tokensvc::client
