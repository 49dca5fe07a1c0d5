// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_AUTHORITY_H_
#define TOKENSVC_SERVICE_AUTHORITY_AUTHORITY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/authority/error.h"

namespace tokensvc {

/// The numbers are part of cache keys: never given to another kind.
enum class AuthorityKind : unsigned char {
  kEntra = 1,
  kOidc = 2,
  kAdfs = 3,             ///< Active Directory Federation Services, 2019 and later.
  kB2c = 4,              ///< Azure Active Directory B2C: one policy of one tenant.
  kCiam = 5,             ///< Microsoft Entra External ID: one external tenant.
  kManagedIdentity = 6,  ///< Azure's endpoint on this machine: tokens of the machine or app itself.
};

/// Where tokens come from, as the configuration describes it. Never changed once it is shared: a
/// reload makes new ones. Everything in it is the operator's word, nothing a caller's.
struct Authority {
  std::string name;  ///< The configuration's name for it; appears in messages and logs.
  AuthorityKind kind = AuthorityKind::kEntra;

  // Entra v2.0:
  std::string base_url =
      "https://login.microsoftonline.com";  ///< Scheme, host and port; no tenant.
  std::string region;                       ///< `[a-z0-9]+`; empty: the global endpoint.
  /// Whether to ask the cloud if it knows the host, and by which name it prefers to be called.
  bool instance_discovery = true;

  // OpenID Connect Discovery 1.0:
  std::string issuer;                      ///< Byte for byte as the provider writes it.
  std::vector<std::string> allowed_hosts;  ///< Further hosts that its metadata may name.

  /// AD FS, B2C and CIAM: the one token endpoint that there is, see `AdfsTokenEndpoint` and the
  /// others. None of them takes part in instance discovery. A managed identity: what tells it from
  /// others (`ManagedIdentityName`).
  std::string token_endpoint;

  std::string ca_file;  ///< PEM, instead of the system's authorities; empty: the system's.
  absl::Duration request_timeout = absl::Seconds(10);
};

/// What is wrong with an authority, by the member's name (`base_url`); empty: nothing. Repeats no
/// value.
std::vector<FieldViolation> CheckAuthority(const Authority& authority);

enum class ScopeRule {
  kEntraDefault,  ///< Apps ask for exactly one `{resource}/.default`; compared without case.
  kOAuth,         ///< Any scopes of RFC 6749 §3.3; case matters.
};

/// What becomes of a refresh token that was presented (DESIGN.md, invariant 4).
enum class RefreshTokenReuse { kReusable, kGrace, kSingleUse };

/// What differs between kinds of authorities.
struct AuthorityProfile {
  ScopeRule scope_rule = ScopeRule::kOAuth;
  bool has_tenants = false;
  RefreshTokenReuse refresh_token_reuse = RefreshTokenReuse::kSingleUse;
  absl::Duration refresh_token_grace = absl::ZeroDuration();  ///< Of `kGrace`.
  absl::Duration assertion_lifetime = absl::Seconds(60);
  /// Whether an answer without `scope` granted what was asked for. RFC 6749 §5.1 says so, but
  /// providers that silently drop unknown scopes leave it out as well when nothing remains.
  bool absent_scope_means_requested = false;
  bool sends_client_capabilities = false;  ///< `xms_cc` within `claims`.
  bool sends_resource = false;             ///< `resource`, as RFC 8707 has it.
  bool sends_audience = false;             ///< `audience`.
  /// Client assertions are signed by RS256 and name their certificate by `x5t` (SHA-1), unless the
  /// configuration says otherwise: the authority is from before PS256 and `x5t#S256`.
  bool wants_rs256_assertions = false;
  /// Whether one replica's tokens are the others' too. Not where they are those of the machine,
  /// which the next replica is not, and which keeps them itself.
  bool shares_tokens = true;
};

/// The profile of an authority's kind. Lives forever.
const AuthorityProfile& ProfileOf(const Authority& authority);

/// `https://{host}/adfs/oauth2/token`, where `base_url` may end with `/adfs` or not.
/// https://learn.microsoft.com/windows-server/identity/ad-fs/overview/ad-fs-openid-connect-oauth-flows-scenarios
std::string AdfsTokenEndpoint(absl::string_view base_url);

/// `https://{host}/{tenant}/{policy}/oauth2/v2.0/token`. Without `base_url` the host is
/// `{name}.b2clogin.com`, of a tenant `{name}.onmicrosoft.com`; empty where it is none of these.
/// https://learn.microsoft.com/azure/active-directory-b2c/client-credentials-grant-flow
std::string B2cTokenEndpoint(absl::string_view base_url, absl::string_view tenant,
                             absl::string_view policy);

/// `https://{host}/{tenant}/oauth2/v2.0/token`. Without `base_url` the host is
/// `{subdomain}.ciamlogin.com`, and without `tenant` that is `{subdomain}.onmicrosoft.com`.
/// https://azuread.github.io/microsoft-authentication-library-for-objc/Classes/MSALCIAMAuthority.html
std::string CiamTokenEndpoint(absl::string_view base_url, absl::string_view subdomain,
                              absl::string_view tenant);

/// One of Microsoft's clouds: the host to ask, and every name that it goes by, itself first.
struct KnownCloud {
  absl::string_view host;
  std::vector<absl::string_view> aliases;
  bool is_public = false;
};

/// The cloud that `host` (lower case) belongs to, or nullptr. Lives forever.
const KnownCloud* FindKnownCloud(absl::string_view host);

/// The host of the regional endpoint: `{region}.login.microsoft.com` for the public cloud,
/// `{region}.{host}` for the others.
std::string RegionalHost(absl::string_view region, absl::string_view host);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_AUTHORITY_H_
