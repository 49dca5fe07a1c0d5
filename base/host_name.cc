// SPDX-License-Identifier: Apache-2.0
#include "base/host_name.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace tokensvc {
namespace {

bool IsLabel(absl::string_view label) {
  if (label.empty() || label.size() > 63) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-'; });
}

bool LooksLikeNumber(absl::string_view label) {
  return absl::StartsWithIgnoreCase(label, "0x") ||
         std::all_of(label.begin(), label.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c); });
}

}  // namespace

bool IsHostName(absl::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    const absl::string_view label = text.substr(0, dot);
    if (!IsLabel(label)) return false;
    if (dot == absl::string_view::npos) return !LooksLikeNumber(label);
    text.remove_prefix(dot + 1);
  }
}

bool IsLoopbackHost(absl::string_view host) {
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == 127;
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  in6_addr v6{};
  return inet_pton(AF_INET6, std::string(host).c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool IsLinkLocalHost(absl::string_view host) {
  in_addr v4{};
  return inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 &&
         ntohl(v4.s_addr) >> 16 == (169u << 8 | 254u);
}

}  // namespace tokensvc
