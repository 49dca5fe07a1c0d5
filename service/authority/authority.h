// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_AUTHORITY_H_
#define TOKENSVC_SERVICE_AUTHORITY_AUTHORITY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/authority/error.h"

namespace tokensvc {

enum class AuthorityKind { kEntra, kOidc };

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
  bool sends_client_capabilities = false;    ///< `xms_cc` within `claims`.
  bool sends_resource_and_audience = false;  ///< RFC 8707 `resource`, and `audience`.
};

/// The profile of an authority's kind. Lives forever.
const AuthorityProfile& ProfileOf(const Authority& authority);

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
