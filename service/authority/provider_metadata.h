// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_PROVIDER_METADATA_H_
#define TOKENSVC_SERVICE_AUTHORITY_PROVIDER_METADATA_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "service/authority/authority.h"
#include "service/authority/error.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// Where an authority issues tokens.
struct TokenEndpoint {
  std::string url;
  AddressTrust trust = AddressTrust::kConfigured;  ///< For `HttpRequest::trust`.
  /// RFC 8414 `token_endpoint_auth_methods_supported`; empty: the authority does not say (Entra
  /// takes `client_secret_post` and `private_key_jwt`).
  std::vector<std::string> auth_methods;
  std::string issuer;  ///< OpenID Connect only.

  /// The endpoint for clients that authenticate by mutual TLS.
  struct MtlsAlias {
    std::string url;  ///< Empty: the metadata names one that may not be used.
    AddressTrust trust = AddressTrust::kConfigured;
  };
  /// `token_endpoint` of RFC 8705 §5 `mtls_endpoint_aliases`; absent: `url` is for all.
  std::optional<MtlsAlias> mtls;
};

/// The URL of an issuer's metadata (OpenID Connect Discovery 1.0 §4): a slash at the issuer's end
/// is left out. Where the issuer is that of all of Entra's tenants, with `{tenantid}` in it, the
/// metadata are those of `common`.
std::string ProviderMetadataUrl(absl::string_view issuer);

/// Reads the metadata of an OpenID Connect authority (kind kOidc). Refused:
///   - as kAuthorityUntrusted: an `issuer` that is not byte for byte the configured one (RFC 8414
///   §3.3), a
///     `token_endpoint` that is not https (http only where the issuer itself is http on loopback),
///     has userinfo or a fragment, or whose host is neither the issuer's, nor a subdomain of it,
///     nor in `allowed_hosts`
///   - as kAuthorityResponseInvalid, with retry_after: no JSON object, or a member missing
/// The endpoint's host is trusted as configured if it is the issuer's or listed; a subdomain is
/// learnt. A `token_endpoint` among `mtls_endpoint_aliases` is held to the same rules, but breaking
/// them only makes it unusable: other clients have no use for it. Where
/// `token_endpoint_auth_methods_supported` is absent, it means `client_secret_basic` (RFC 8414 §2).
Result<TokenEndpoint> ParseProviderMetadata(const Authority& authority, absl::string_view body);

/// Where an issuer publishes its keys (RFC 7517 §5).
struct JwksLocation {
  std::string url;
  AddressTrust trust = AddressTrust::kConfigured;  ///< For `HttpRequest::trust`.
};

/// Reads `jwks_uri` of an issuer's metadata (OpenID Connect Discovery 1.0 §3), by the same rules
/// and with the same errors as `ParseProviderMetadata` has for `token_endpoint`. Of `authority`,
/// `name`, `issuer` and `allowed_hosts` matter.
Result<JwksLocation> ParseJwksUri(const Authority& authority, absl::string_view body);

/// Reads the answer to an instance discovery and chooses the host to talk to: `preferred_network`
/// of the entry that lists `host` (lower case), provided that this name is among the entry's
/// aliases *and* is `host` or another name of the same known cloud; else `host` itself. `body` is
/// that of an HTTP 200. Errors: kAuthorityResponseInvalid for what is no such answer.
Result<std::string> ParseInstanceDiscovery(absl::string_view host, absl::string_view body);

/// Whether an answer of the instance discovery with an HTTP status other than 200 says that the
/// host is no authority.
bool SaysInvalidInstance(absl::string_view body);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_PROVIDER_METADATA_H_
