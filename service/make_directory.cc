// SPDX-License-Identifier: Apache-2.0
#include "service/make_directory.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/config/managed_identity_config.h"
#include "service/credential/assertion_file_credential.h"
#include "service/credential/client_certificate_credential.h"
#include "service/credential/client_secret_credential.h"
#include "service/credential/credential_list.h"
#include "service/credential/managed_identity_credential.h"
#include "service/credential/tls_client_credential.h"
#include "service/make_managed_identity.h"
#include "service/make_reloading_secret.h"

namespace tokensvc {
namespace {

/// An authority as it is configured, and as it is used.
struct KnownAuthority {
  const config::v1::Authority* config = nullptr;
  std::shared_ptr<const Authority> made;
  std::shared_ptr<const ManagedIdentity> identity;  ///< Where the authority is one.
};
using AuthorityMap = absl::flat_hash_map<std::string, KnownAuthority>;

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string CloudHost(config::v1::Cloud cloud) {
  switch (cloud) {
    case config::v1::CLOUD_CHINA:
      return "login.partner.microsoftonline.cn";
    case config::v1::CLOUD_US_GOVERNMENT:
      return "login.microsoftonline.us";
    case config::v1::CLOUD_FRANCE:
      return "login.sovcloud-identity.fr";
    case config::v1::CLOUD_GERMANY:
      return "login.sovcloud-identity.de";
    case config::v1::CLOUD_SINGAPORE:
      return "login.sovcloud-identity.sg";
    default:
      return "login.microsoftonline.com";
  }
}

absl::StatusOr<std::shared_ptr<const Authority>> MakeAuthority(const config::v1::Authority& config,
                                                               const ManagedIdentity* identity) {
  auto authority = std::make_shared<Authority>();
  authority->name = config.name();
  authority->ca_file = config.ca_file();
  authority->request_timeout = FromProto(config.request_timeout());
  if (config.has_oidc()) {
    authority->kind = AuthorityKind::kOidc;
    authority->issuer = config.oidc().issuer();
    authority->allowed_hosts.assign(config.oidc().allowed_hosts().begin(),
                                    config.oidc().allowed_hosts().end());
  } else if (config.has_adfs()) {
    authority->kind = AuthorityKind::kAdfs;
    authority->token_endpoint = AdfsTokenEndpoint(config.adfs().base_url());
  } else if (config.has_b2c()) {
    authority->kind = AuthorityKind::kB2c;
    authority->token_endpoint =
        B2cTokenEndpoint(config.b2c().base_url(), config.b2c().tenant(), config.b2c().policy());
  } else if (identity != nullptr) {
    authority->kind = AuthorityKind::kManagedIdentity;
    authority->token_endpoint = ManagedIdentityName(*identity);
  } else if (config.has_ciam()) {
    authority->kind = AuthorityKind::kCiam;
    authority->token_endpoint = CiamTokenEndpoint(
        config.ciam().base_url(), config.ciam().subdomain(), config.ciam().tenant());
  } else {
    authority->kind = AuthorityKind::kEntra;
    const config::v1::EntraAuthority& entra = config.entra();
    authority->base_url = entra.base_url().empty()
                              ? absl::StrCat("https://", CloudHost(entra.cloud()))
                              : entra.base_url();
    authority->region = entra.region();
    authority->instance_discovery = entra.instance_discovery();
  }
  for (const FieldViolation& violation : CheckAuthority(*authority)) {
    return absl::InvalidArgumentError(absl::StrCat("authority ", config.name(), ": ",
                                                   violation.field, ": ", violation.description));
  }
  return authority;
}

JwsAlgorithm ToAlgorithm(config::v1::SigningAlgorithm algorithm, const AuthorityProfile& profile) {
  switch (algorithm) {
    case config::v1::SIGNING_ALGORITHM_PS256:
      return JwsAlgorithm::kPs256;
    case config::v1::SIGNING_ALGORITHM_RS256:
      return JwsAlgorithm::kRs256;
    case config::v1::SIGNING_ALGORITHM_ES256:
      return JwsAlgorithm::kEs256;
    default:
      return profile.wants_rs256_assertions ? JwsAlgorithm::kRs256 : JwsAlgorithm::kPs256;
  }
}

absl::StatusOr<std::shared_ptr<ClientCredential>> MakeSecret(
    const config::v1::SecretCredential& config, const std::string& id,
    const CredentialEnvironment& environment) {
  absl::StatusOr<std::shared_ptr<ReloadingSecret>> secret =
      MakeReloadingSecret(config.value(), id, environment);
  if (!secret.ok()) return secret.status();
  ClientSecretCredential::Options options;
  options.id = id;
  options.method = config.method() == config::v1::SECRET_METHOD_BASIC
                       ? ClientSecretCredential::Method::kBasic
                       : ClientSecretCredential::Method::kPost;
  options.secret = *std::move(secret);
  return std::make_shared<ClientSecretCredential>(std::move(options), environment);
}

absl::StatusOr<std::shared_ptr<ClientCredential>> MakeCertificate(
    const config::v1::CertificateCredential& config, const AuthorityProfile& profile,
    const std::string& id, const CredentialEnvironment& environment) {
  ClientCertificateCredential::Options options;
  options.key_pair.credential_id = id;
  options.key_pair.certificate_path = config.certificate_file();
  options.key_pair.private_key_path = config.private_key_file();
  options.key_pair.algorithm = ToAlgorithm(config.algorithm(), profile);
  options.format.lifetime = profile.assertion_lifetime;
  options.format.send_chain = config.send_x5c();
  if (!config.key_id().empty()) options.format.key_id = config.key_id();
  if (!config.audience().empty()) options.format.audience = config.audience();
  return ClientCertificateCredential::Create(std::move(options), environment);
}

absl::StatusOr<std::shared_ptr<ClientCredential>> MakeManaged(
    const config::v1::ManagedIdentity& config, const config::v1::Authority& authority,
    const std::string& id, const CredentialEnvironment& environment,
    ManagedIdentityAssertions& assertions) {
  absl::StatusOr<std::shared_ptr<const ManagedIdentity>> identity =
      MakeManagedIdentity(config, id, environment);
  if (!identity.ok()) return identity.status();
  const std::string audience = AssertionAudience(config, authority);
  // All that the assertion depends on: whoever says the same shares it.
  const std::string name =
      absl::StrCat((*identity)->endpoint, " ", audience, " ", config.SerializeAsString());
  return std::make_shared<ManagedIdentityCredential>(
      id, assertions.For(name, *std::move(identity), audience), environment);
}

absl::StatusOr<std::shared_ptr<ClientCredential>> MakeCredential(
    const config::v1::Credential& config, const KnownAuthority& authority, const std::string& id,
    const CredentialEnvironment& environment, ManagedIdentityAssertions& assertions) {
  if (config.has_secret()) return MakeSecret(config.secret(), id, environment);
  if (config.has_assertion_file()) {
    return AssertionFileCredential::Create(id, config.assertion_file().path(), environment);
  }
  if (config.has_mutual_tls()) {
    TlsClientCredential::Options options;
    options.id = id;
    options.certificate_path = config.mutual_tls().certificate_file();
    options.private_key_path = config.mutual_tls().private_key_file();
    return TlsClientCredential::Create(std::move(options), environment);
  }
  if (config.has_managed_identity()) {
    return MakeManaged(config.managed_identity(), *authority.config, id, environment, assertions);
  }
  return MakeCertificate(config.certificate(), ProfileOf(*authority.made), id, environment);
}

absl::StatusOr<std::shared_ptr<const Registration>> MakeRegistration(
    const config::v1::Registration& config, const AuthorityMap& authorities,
    const CredentialEnvironment& environment, ManagedIdentityAssertions& assertions) {
  auto registration = std::make_shared<Registration>();
  registration->name = config.name();
  const auto authority = authorities.find(config.authority());
  if (authority == authorities.end()) return absl::InvalidArgumentError("unknown authority");
  registration->authority = authority->second.made;
  registration->managed_identity = authority->second.identity;
  registration->client_id = config.client_id();
  const AuthorityProfile& profile = ProfileOf(*registration->authority);

  for (const std::string& tenant : config.tenants()) {
    if (tenant == "*") {
      registration->any_tenant = true;
    } else {
      registration->tenants.insert(tenant);
    }
  }
  registration->default_tenant = config.default_tenant();
  if (profile.sends_client_capabilities) {
    registration->client_capabilities.assign(config.client_capabilities().begin(),
                                             config.client_capabilities().end());
    // One order, so that it is no part of cache keys.
    std::sort(registration->client_capabilities.begin(), registration->client_capabilities.end());
  }
  registration->extra_parameters.insert(config.extra_parameters().begin(),
                                        config.extra_parameters().end());
  registration->client_claims_allowed = config.client_claims() == config::v1::CLIENT_CLAIMS_ALLOWED;
  registration->near_cache = FromProto(config.near_cache());

  std::vector<std::shared_ptr<ClientCredential>> credentials;
  for (const config::v1::Credential& each : config.credentials()) {
    const std::string id = absl::StrCat(config.name(), "/", credentials.size());
    absl::StatusOr<std::shared_ptr<ClientCredential>> credential =
        MakeCredential(each, authority->second, id, environment, assertions);
    if (!credential.ok()) {
      return absl::Status(credential.status().code(),
                          absl::StrCat("credential ", id, ": ", credential.status().message()));
    }
    credentials.push_back(*std::move(credential));
  }
  registration->credentials = std::make_shared<CredentialList>(std::move(credentials), environment);
  return registration;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Directory>> MakeDirectory(
    const config::v1::ServiceConfig& config, const CredentialEnvironment& environment,
    ManagedIdentityAssertions& assertions) {
  AuthorityMap authorities;
  for (const config::v1::Authority& each : config.authorities()) {
    KnownAuthority known;
    known.config = &each;
    if (each.has_managed_identity()) {
      auto identity = MakeManagedIdentity(each.managed_identity(), each.name(), environment);
      if (!identity.ok()) return identity.status();
      known.identity = *std::move(identity);
    }
    absl::StatusOr<std::shared_ptr<const Authority>> authority =
        MakeAuthority(each, known.identity.get());
    if (!authority.ok()) return authority.status();
    known.made = *std::move(authority);
    authorities.emplace(each.name(), std::move(known));
  }
  auto directory = std::make_shared<Directory>();
  for (const config::v1::Registration& each : config.registrations()) {
    absl::StatusOr<std::shared_ptr<const Registration>> registration =
        MakeRegistration(each, authorities, environment, assertions);
    if (!registration.ok()) return registration.status();
    directory->emplace(each.name(), *std::move(registration));
  }
  return directory;
}

}  // namespace tokensvc
