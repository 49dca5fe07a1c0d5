// SPDX-License-Identifier: Apache-2.0
#include "service/access/http_jwk_set_source.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "service/authority/transport_error.h"

namespace tokensvc {
namespace {

// Real metadata have some 2 KiB.
constexpr std::size_t kMaxMetadataBytes = std::size_t{64} << 10;

}  // namespace

std::optional<absl::Duration> CacheControlAge(absl::string_view header) {
  std::optional<absl::Duration> age;
  const std::vector<absl::string_view> directives = absl::StrSplit(header, ',');
  for (absl::string_view directive : directives) {
    directive = absl::StripAsciiWhitespace(directive);
    if (absl::EqualsIgnoreCase(directive, "no-store") ||
        absl::EqualsIgnoreCase(directive, "no-cache")) {
      return absl::ZeroDuration();
    }
    std::uint32_t seconds = 0;
    if (absl::StartsWithIgnoreCase(directive, "max-age=") &&
        absl::SimpleAtoi(directive.substr(8), &seconds)) {
      age = absl::Seconds(seconds);
    }
  }
  return age;
}

asio::awaitable<Result<HttpResponse>> HttpJwkSetSource::Get(std::string url, AddressTrust trust,
                                                            std::size_t max_bytes) {
  HttpRequest request;
  request.method = HttpRequest::Method::kGet;
  request.url = std::move(url);
  request.headers.emplace_back("Accept", Secret::CopyOf("application/json"));
  request.timeout = issuer_.request_timeout;
  request.max_body_bytes = max_bytes;
  request.trust = trust;
  request.ca_file = issuer_.ca_file;
  asio::awaitable<absl::StatusOr<HttpResponse>> pending = transport_.Send(std::move(request));
  absl::StatusOr<HttpResponse> response = co_await std::move(pending);
  if (!response.ok()) co_return FromTransport(response.status(), issuer_.name);
  if (response->status != 200) {
    co_return AuthorityUnavailable(
        absl::StrCat("issuer \"", issuer_.name, "\" answered HTTP ", response->status),
        kDefaultRetryAfter);
  }
  co_return *std::move(response);
}

asio::awaitable<Result<JwksLocation>> HttpJwkSetSource::Locate() {
  if (!jwks_url_.empty()) co_return JwksLocation{jwks_url_, AddressTrust::kConfigured};
  auto pending =
      Get(ProviderMetadataUrl(issuer_.issuer), AddressTrust::kConfigured, kMaxMetadataBytes);
  const Result<HttpResponse> response = co_await std::move(pending);
  if (!response.ok()) co_return response.error();
  co_return ParseJwksUri(issuer_, response->body.Reveal());
}

asio::awaitable<Result<JwkSetSource::Loaded>> HttpJwkSetSource::Load() {
  auto locating = Locate();
  const Result<JwksLocation> location = co_await std::move(locating);
  if (!location.ok()) co_return location.error();
  auto fetching = Get(location->url, location->trust, JwkSet::kMaxBytes);
  const Result<HttpResponse> response = co_await std::move(fetching);
  if (!response.ok()) co_return response.error();
  absl::StatusOr<JwkSet> keys = JwkSet::Parse(response->body.Reveal());
  if (!keys.ok()) {
    co_return AuthorityResponseInvalid(
        absl::StrCat("the keys of issuer \"", issuer_.name, "\": ", keys.status().message()),
        kDefaultRetryAfter);
  }
  Loaded loaded;
  loaded.keys = *std::move(keys);
  loaded.fresh_for = CacheControlAge(response->Header("cache-control"));
  co_return loaded;
}

}  // namespace tokensvc
