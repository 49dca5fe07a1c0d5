// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_HTTP_JWK_SET_SOURCE_H_
#define TOKENSVC_SERVICE_ACCESS_HTTP_JWK_SET_SOURCE_H_

#include <string>

#include "service/access/jwk_set_source.h"
#include "service/authority/authority.h"
#include "service/authority/provider_metadata.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// A JWK set over HTTP: at a fixed URL, or where the issuer's metadata say. Each look asks for the
/// metadata too, so that a moved set is found. Belongs to the transport's loop.
class HttpJwkSetSource final : public JwkSetSource {
 public:
  /// `issuer` describes whom to ask: `name` (for messages), `issuer`, `allowed_hosts`, `ca_file`,
  /// and `request_timeout` for each of the one or two requests. With `jwks_url`, only that is
  /// asked, and it may point anywhere: it is the operator's word. Without, the metadata's `issuer`
  /// must be the configured one byte for byte, and `jwks_uri` at its own site or an allowed host
  /// (see `ParseJwksUri`). `transport` must outlive the loop's run.
  HttpJwkSetSource(Authority issuer, std::string jwks_url, HttpTransport& transport)
      : issuer_(std::move(issuer)), jwks_url_(std::move(jwks_url)), transport_(transport) {}

  /// Errors: as `FromTransport` and `ParseJwksUri`, and kAuthorityResponseInvalid for an answer
  /// that is no usable JWK set.
  asio::awaitable<Result<Loaded>> Load() override;

 private:
  asio::awaitable<Result<JwksLocation>> Locate();
  asio::awaitable<Result<HttpResponse>> Get(std::string url, AddressTrust trust,
                                            std::size_t max_bytes);

  const Authority issuer_;
  const std::string jwks_url_;
  HttpTransport& transport_;
};

/// The `max-age` of a Cache-Control header (RFC 9111 §5.2.2.1); zero for `no-store` and `no-cache`;
/// nullopt where it says nothing that can be understood.
std::optional<absl::Duration> CacheControlAge(absl::string_view header);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_HTTP_JWK_SET_SOURCE_H_
