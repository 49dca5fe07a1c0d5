// SPDX-License-Identifier: Apache-2.0
#include "service/credential/reloading_assertion.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "service/jose/unverified_jwt.h"

namespace tokensvc {

ReloadingAssertion::ReloadingAssertion(Options options, const CredentialEnvironment& environment)
    : ReloadingFile(std::move(options), environment),
      clock_(environment.clock),
      logger_(environment.logger) {}

absl::StatusOr<std::shared_ptr<ReloadingAssertion>> ReloadingAssertion::FromFile(
    std::string credential_id, std::string path, const CredentialEnvironment& environment) {
  Options options;
  options.credential_id = std::move(credential_id);
  options.paths.push_back(std::move(path));
  std::shared_ptr<ReloadingAssertion> assertion(
      new ReloadingAssertion(std::move(options), environment));
  if (absl::Status status = assertion->LoadFirst(); !status.ok()) return status;
  // Not the assertion itself: the metric outlives the credential.
  environment.metrics.TrackAssertionExpiry(
      assertion->credential_id(),
      [weak = std::weak_ptr<const ReloadingAssertion>(assertion)]() -> std::optional<absl::Time> {
        const std::shared_ptr<const ReloadingAssertion> alive = weak.lock();
        if (alive == nullptr) return std::nullopt;
        return alive->expires_at();
      });
  return assertion;
}

ReloadingAssertion::Value ReloadingAssertion::Current() const {
  MutexLock lock(&mutex_);
  return Value{current_.assertion.Clone(), current_.expires_at, current_.version};
}

absl::Time ReloadingAssertion::expires_at() const {
  MutexLock lock(&mutex_);
  return current_.expires_at;
}

absl::Status ReloadingAssertion::Accept(std::vector<Secret> contents, std::uint64_t version) {
  const absl::string_view text = absl::StripAsciiWhitespace(contents.front().Reveal());
  const absl::StatusOr<UnverifiedJwt> jwt = ReadUnverifiedJwt(text);
  if (!jwt.ok()) return jwt.status();
  const bool expired = clock_.Now() >= jwt->expires_at;
  const bool first = version == 1;
  if (expired && !first) return absl::FailedPreconditionError("the assertion is expired");
  if (expired) logger_.Warning("credential_expired", {{"credential", credential_id()}});
  Secret copy = Secret::CopyOf(text);
  MutexLock lock(&mutex_);
  current_.assertion = std::move(copy);
  current_.expires_at = jwt->expires_at;
  current_.version = version;
  return absl::OkStatus();
}

}  // namespace tokensvc
