// SPDX-License-Identifier: Apache-2.0
#include "service/make_jwt_authenticator.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/access/file_jwk_set_source.h"
#include "service/access/http_jwk_set_source.h"
#include "service/authority/authority.h"

namespace tokensvc {
namespace {

JwsAlgorithm AlgorithmOf(int written) {
  switch (written) {
    case config::v1::SIGNING_ALGORITHM_RS256:
      return JwsAlgorithm::kRs256;
    case config::v1::SIGNING_ALGORITHM_ES256:
      return JwsAlgorithm::kEs256;
    default:
      return JwsAlgorithm::kPs256;
  }
}

JwtProfile ProfileOf(const config::v1::JwtIssuer& issuer) {
  JwtProfile profile;
  profile.issuer = issuer.issuer();
  profile.audiences.assign(issuer.audiences().begin(), issuer.audiences().end());
  if (issuer.algorithms_size() > 0) profile.algorithms.clear();
  for (const int algorithm : issuer.algorithms()) {
    profile.algorithms.push_back(AlgorithmOf(algorithm));
  }
  const bool any_tenant = issuer.tenants_size() == 1 && issuer.tenants(0) == "*";
  if (!any_tenant) profile.tenants.assign(issuer.tenants().begin(), issuer.tenants().end());
  profile.max_lifetime = absl::Seconds(issuer.max_lifetime().seconds());
  return profile;
}

Authority WhomToAsk(const config::v1::JwtIssuer& issuer) {
  Authority authority;
  authority.name = issuer.name();
  authority.issuer = issuer.issuer();
  authority.allowed_hosts.assign(issuer.discovery().allowed_hosts().begin(),
                                 issuer.discovery().allowed_hosts().end());
  authority.ca_file = issuer.ca_file();
  return authority;
}

absl::StatusOr<std::shared_ptr<IssuerKeys>> KeysOf(const config::v1::JwtIssuer& issuer,
                                                   const JwtIssuers::Dependencies& dependencies) {
  if (issuer.jwks_file().empty()) {
    auto source = std::make_unique<HttpJwkSetSource>(WhomToAsk(issuer), issuer.jwks_url(),
                                                     dependencies.transport);
    auto keys = RefreshingIssuerKeys::Create(issuer.name(), std::move(source), IssuerKeysPolicy(),
                                             dependencies.keys);
    keys->Current();  // Starts to look, so that the first caller need not wait.
    return std::shared_ptr<IssuerKeys>(std::move(keys));
  }
  auto source = std::make_unique<FileJwkSetSource>(issuer.jwks_file(), dependencies.workers);
  absl::StatusOr<JwkSet> first = source->LoadFirst();
  if (!first.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("jwt_issuers ", issuer.name(), ": jwks_file: ", first.status().message()));
  }
  return std::shared_ptr<IssuerKeys>(
      RefreshingIssuerKeys::Create(issuer.name(), std::move(source), IssuerKeysPolicy::ForFile(),
                                   dependencies.keys, *std::move(first)));
}

}  // namespace

absl::StatusOr<JwtIssuers> JwtIssuers::Make(const config::v1::ServiceConfig& config,
                                            const Dependencies& dependencies) {
  JwtIssuers made;
  for (const config::v1::JwtIssuer& issuer : config.jwt_issuers()) {
    absl::StatusOr<JwtVerifier> verifier = JwtVerifier::Create(ProfileOf(issuer));
    if (!verifier.ok()) return verifier.status();
    absl::StatusOr<std::shared_ptr<IssuerKeys>> keys = KeysOf(issuer, dependencies);
    if (!keys.ok()) return keys.status();
    made.issuers_.emplace(issuer.name(),
                          TrustedIssuer{issuer.name(), *std::move(verifier), *std::move(keys)});
  }
  return made;
}

std::shared_ptr<JwtAuthenticator> JwtIssuers::AuthenticatorFor(
    const config::v1::JwtCallers& callers, const Clock& clock, JwtMetrics& metrics) const {
  std::vector<TrustedIssuer> trusted;
  for (const std::string& name : callers.issuers()) trusted.push_back(issuers_.at(name));
  return JwtAuthenticator::Create(std::move(trusted), clock, metrics);
}

}  // namespace tokensvc
