// SPDX-License-Identifier: Apache-2.0
#include "service/credential/assertion_file_credential.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "service/credential/client_assertion.h"

namespace tokensvc {

AssertionFileCredential::AssertionFileCredential(std::string id,
                                                 std::shared_ptr<ReloadingAssertion> assertion,
                                                 const CredentialEnvironment& environment)
    : id_(std::move(id)),
      assertion_(std::move(assertion)),
      clock_(environment.clock),
      workers_(environment.workers) {}

absl::StatusOr<std::shared_ptr<AssertionFileCredential>> AssertionFileCredential::Create(
    std::string id, std::string path, const CredentialEnvironment& environment) {
  absl::StatusOr<std::shared_ptr<ReloadingAssertion>> assertion =
      ReloadingAssertion::FromFile(id, std::move(path), environment);
  if (!assertion.ok()) return assertion.status();
  return std::shared_ptr<AssertionFileCredential>(
      new AssertionFileCredential(std::move(id), *std::move(assertion), environment));
}

asio::awaitable<void> AssertionFileCredential::CheckForChange() {
  if (!assertion_->CheckIsDue()) co_return;
  auto check = [assertion = assertion_]() -> absl::Status {
    assertion->Check();
    return absl::OkStatus();
  };
  // Where the queue is full, the assertion at hand will do.
  const absl::Status ignored = co_await workers_.Run(std::move(check));
  ignored.IgnoreError();
}

asio::awaitable<absl::Status> AssertionFileCredential::AddTo(TokenEndpointRequest& request) {
  co_await CheckForChange();
  ReloadingAssertion::Value current = assertion_->Current();
  if (clock_.Now() >= current.expires_at) {
    // Whoever writes the file has stopped: no authority needs to be asked to know that.
    co_return absl::FailedPreconditionError(absl::StrCat(
        "the assertion expired at ",
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", current.expires_at, absl::UTCTimeZone()),
        ": its file is stale"));
  }
  request.form.emplace_back("client_id", Secret::CopyOf(request.client_id));
  request.form.emplace_back("client_assertion_type", Secret::CopyOf(kJwtBearerAssertionType));
  request.form.emplace_back("client_assertion", std::move(current.assertion));
  request.credential_version = current.version;
  co_return absl::OkStatus();
}

}  // namespace tokensvc
