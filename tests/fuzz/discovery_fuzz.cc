// SPDX-License-Identifier: Apache-2.0
// A provider's metadata and the answer to an instance discovery: whatever they say, the endpoint
// stays at a host that was configured or belongs to the issuer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "service/authority/http_url.h"
#include "service/authority/provider_metadata.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tokensvc;
  static const Authority* const authority = [] {
    auto* made = new Authority;
    made->name = "fuzz";
    made->kind = AuthorityKind::kOidc;
    made->issuer = "https://login.example";
    made->allowed_hosts = {"tokens.example"};
    return made;
  }();
  const absl::string_view body(reinterpret_cast<const char*>(data), size);
  const Result<TokenEndpoint> endpoint = ParseProviderMetadata(*authority, body);
  if (endpoint.ok()) {
    const std::optional<HttpUrl> url = ParseHttpUrl(endpoint->url);
    if (!url.has_value() || !url->https) std::abort();
    const bool configured = url->host == "login.example" || url->host == "tokens.example";
    if (!configured && !IsSameSite(url->host, "login.example")) std::abort();
    if (configured != (endpoint->trust == AddressTrust::kConfigured)) std::abort();
  }
  const Result<JwksLocation> keys = ParseJwksUri(*authority, body);
  if (keys.ok()) {
    const std::optional<HttpUrl> url = ParseHttpUrl(keys->url);
    if (!url.has_value() || !url->https) std::abort();
    if (url->host != "tokens.example" && !IsSameSite(url->host, "login.example")) std::abort();
  }
  const Result<std::string> host = ParseInstanceDiscovery("login.windows.net", body);
  if (host.ok() && FindKnownCloud(*host) != FindKnownCloud("login.windows.net")) std::abort();
  SaysInvalidInstance(body);
  return 0;
}
