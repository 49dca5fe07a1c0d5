// SPDX-License-Identifier: Apache-2.0
#include "service/credential/client_certificate_credential.h"

#include <utility>

namespace tokensvc {
namespace {

constexpr absl::Duration kMinLifetime = absl::Minutes(1);
constexpr absl::Duration kMaxLifetime = absl::Hours(24);

struct SignedAssertion {
  Secret assertion;
  std::uint64_t version = 0;
};

}  // namespace

ClientCertificateCredential::ClientCertificateCredential(std::string id,
                                                         ClientAssertionFormat format,
                                                         std::shared_ptr<ReloadingKeyPair> key_pair,
                                                         const CredentialEnvironment& environment)
    : id_(std::move(id)),
      format_(std::make_shared<const ClientAssertionFormat>(std::move(format))),
      key_pair_(std::move(key_pair)),
      environment_(environment) {}

absl::StatusOr<std::shared_ptr<ClientCertificateCredential>> ClientCertificateCredential::Create(
    Options options, const CredentialEnvironment& environment) {
  if (options.format.lifetime < kMinLifetime || options.format.lifetime > kMaxLifetime) {
    return absl::InvalidArgumentError("the assertion's lifetime must be one minute to one day");
  }
  std::string id = options.key_pair.credential_id;
  absl::StatusOr<std::shared_ptr<ReloadingKeyPair>> key_pair =
      ReloadingKeyPair::Load(std::move(options.key_pair), environment);
  if (!key_pair.ok()) return key_pair.status();
  return std::shared_ptr<ClientCertificateCredential>(new ClientCertificateCredential(
      std::move(id), std::move(options.format), *std::move(key_pair), environment));
}

asio::awaitable<absl::Status> ClientCertificateCredential::AddTo(TokenEndpointRequest& request) {
  ClientAssertionParams params;
  params.client_id = request.client_id;
  params.token_endpoint = request.token_endpoint;
  auto sign = [params = std::move(params), format = format_, key_pair = key_pair_,
               &clock = environment_.clock,
               &random = environment_.random]() mutable -> absl::StatusOr<SignedAssertion> {
    key_pair->Check();
    const std::shared_ptr<const KeyPair> pair = key_pair->Current();
    // Only now: the work may have waited in the queue.
    params.now = clock.Now();
    absl::StatusOr<Secret> assertion = MakeClientAssertion(params, *format, *pair, random);
    if (!assertion.ok()) return assertion.status();
    return SignedAssertion{*std::move(assertion), pair->version};
  };
  absl::StatusOr<SignedAssertion> signed_assertion =
      co_await environment_.workers.Run(std::move(sign));
  if (!signed_assertion.ok()) co_return signed_assertion.status();
  request.form.emplace_back("client_id", Secret::CopyOf(request.client_id));
  request.form.emplace_back("client_assertion_type", Secret::CopyOf(kJwtBearerAssertionType));
  request.form.emplace_back("client_assertion", std::move(signed_assertion->assertion));
  request.credential_version = signed_assertion->version;
  co_return absl::OkStatus();
}

asio::awaitable<void> ClientCertificateCredential::CheckForChange() {
  if (!key_pair_->CheckIsDue()) co_return;
  auto check = [key_pair = key_pair_]() -> absl::Status {
    key_pair->Check();
    return absl::OkStatus();
  };
  // Where the queue is full, another time will do.
  const absl::Status ignored = co_await environment_.workers.Run(std::move(check));
  ignored.IgnoreError();
}

}  // namespace tokensvc
