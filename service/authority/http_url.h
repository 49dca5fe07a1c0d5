// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_HTTP_URL_H_
#define TOKENSVC_SERVICE_AUTHORITY_HTTP_URL_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// An absolute http or https URL, taken apart.
struct HttpUrl {
  bool https = false;
  std::string host;  ///< Lower case; an IPv6 address keeps its brackets.
  std::string port;  ///< Digits, or empty.
  std::string path;  ///< From the first slash, with the query; or empty.

  /// `host[:port]`.
  std::string HostAndPort() const;
  /// `https://host[:port]`, without a slash at the end.
  std::string Origin() const;
};

/// Takes a URL apart, stricter than a browser or curl would, so that what we checked is what is
/// connected to: visible ASCII only, no userinfo, no fragment, no backslash, no `..` or `.`
/// segment, a host that is a host name, a dotted-quad or a bracketed IPv6 address, at most 2048
/// characters. nullopt otherwise.
std::optional<HttpUrl> ParseHttpUrl(absl::string_view url);

/// Whether a `HttpUrl::host` is an IP address.
bool IsIpAddress(absl::string_view host);

/// Whether `host` is `site` or a subdomain of it. Never a "subdomain" of an IP address.
bool IsSameSite(absl::string_view host, absl::string_view site);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_HTTP_URL_H_
