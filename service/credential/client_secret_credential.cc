// SPDX-License-Identifier: Apache-2.0
#include "service/credential/client_secret_credential.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/form_url.h"

namespace tokensvc {
namespace {

// RFC 6749 §2.3.1: both parts are form-encoded before RFC 7617's colon joins them, so that a colon
// in either does no harm. Each step's bytes are a `Secret`, so that none stays in freed memory.
Secret BasicHeader(absl::string_view client_id, const Secret& secret) {
  const Secret encoded(FormUrlEncode(secret.Reveal()));
  const Secret pair(absl::StrCat(FormUrlEncode(client_id), ":", encoded.Reveal()));
  const Secret base64(absl::Base64Escape(pair.Reveal()));
  return Secret(absl::StrCat("Basic ", base64.Reveal()));
}

}  // namespace

ClientSecretCredential::ClientSecretCredential(Options options,
                                               const CredentialEnvironment& environment)
    : options_(std::move(options)), workers_(environment.workers) {}

asio::awaitable<void> ClientSecretCredential::CheckForChange() {
  if (!options_.secret->CheckIsDue()) co_return;
  auto check = [secret = options_.secret]() -> absl::Status {
    secret->Check();
    return absl::OkStatus();
  };
  // Where the queue is full, the secret at hand will do.
  const absl::Status ignored = co_await workers_.Run(std::move(check));
  ignored.IgnoreError();
}

asio::awaitable<absl::Status> ClientSecretCredential::AddTo(TokenEndpointRequest& request) {
  co_await CheckForChange();
  ReloadingSecret::Value current = options_.secret->Current();
  if (options_.method == Method::kBasic) {
    request.headers.emplace_back("Authorization", BasicHeader(request.client_id, current.secret));
  } else {
    request.form.emplace_back("client_id", Secret::CopyOf(request.client_id));
    request.form.emplace_back("client_secret", std::move(current.secret));
  }
  request.credential_version = current.version;
  co_return absl::OkStatus();
}

}  // namespace tokensvc
