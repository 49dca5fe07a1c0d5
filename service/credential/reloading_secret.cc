// SPDX-License-Identifier: Apache-2.0
#include "service/credential/reloading_secret.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace tokensvc {

absl::StatusOr<std::shared_ptr<ReloadingSecret>> ReloadingSecret::FromFile(
    std::string credential_id, std::string path, const CredentialEnvironment& environment) {
  Options options;
  options.credential_id = std::move(credential_id);
  options.paths.push_back(std::move(path));
  std::shared_ptr<ReloadingSecret> secret(new ReloadingSecret(std::move(options), environment));
  if (absl::Status status = secret->LoadFirst(); !status.ok()) return status;
  return secret;
}

absl::StatusOr<std::shared_ptr<ReloadingSecret>> ReloadingSecret::FromValue(
    std::string credential_id, Secret value, const CredentialEnvironment& environment) {
  Options options;
  options.credential_id = std::move(credential_id);
  std::shared_ptr<ReloadingSecret> secret(new ReloadingSecret(std::move(options), environment));
  if (absl::Status status = secret->Publish(value.Reveal(), 1); !status.ok()) return status;
  return secret;
}

ReloadingSecret::Value ReloadingSecret::Current() const {
  MutexLock lock(&mutex_);
  return Value{current_.secret.Clone(), current_.version};
}

absl::Status ReloadingSecret::Accept(std::vector<Secret> contents, std::uint64_t version) {
  return Publish(contents.front().Reveal(), version);
}

absl::Status ReloadingSecret::Publish(absl::string_view text, std::uint64_t version) {
  if (absl::ConsumeSuffix(&text, "\n")) absl::ConsumeSuffix(&text, "\r");
  if (text.empty()) return absl::InvalidArgumentError("the secret is empty");
  if (text.size() > kMaxBytes) return absl::InvalidArgumentError("the secret is too large");
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
    return absl::InvalidArgumentError("the secret is not one line of text");
  }
  Secret copy = Secret::CopyOf(text);
  MutexLock lock(&mutex_);
  current_.secret = std::move(copy);
  current_.version = version;
  return absl::OkStatus();
}

}  // namespace tokensvc
