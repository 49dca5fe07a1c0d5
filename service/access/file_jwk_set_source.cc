// SPDX-License-Identifier: Apache-2.0
#include "service/access/file_jwk_set_source.h"

#include "absl/strings/str_cat.h"

namespace tokensvc {

absl::StatusOr<std::optional<JwkSet>> FileJwkSetSource::LoadChanged(File& file) {
  const std::optional<FileIdentity> present = IdentifyFile(file.path);
  if (!file.first && present == file.seen) return std::nullopt;
  file.first = false;
  file.seen = present;
  const absl::StatusOr<FileContent> content = ReadSmallFile(file.path, JwkSet::kMaxBytes);
  if (!content.ok()) {
    // Half written: worth another look, unlike a state that stays.
    if (content.status().code() == absl::StatusCode::kAborted) file.first = true;
    return content.status();
  }
  file.seen = content->identity;
  absl::StatusOr<JwkSet> keys = JwkSet::Parse(content->bytes.Reveal());
  if (!keys.ok()) return keys.status();
  return std::optional<JwkSet>(*std::move(keys));
}

absl::StatusOr<JwkSet> FileJwkSetSource::LoadFirst() {
  absl::StatusOr<std::optional<JwkSet>> keys = LoadChanged(*file_);
  if (!keys.ok()) return keys.status();
  return **std::move(keys);
}

asio::awaitable<Result<JwkSetSource::Loaded>> FileJwkSetSource::Load() {
  auto work = [file = file_] { return LoadChanged(*file); };
  auto pending = workers_.Run(std::move(work));
  absl::StatusOr<std::optional<JwkSet>> keys = co_await std::move(pending);
  Loaded loaded;
  if (keys.ok()) {
    loaded.keys = *std::move(keys);
    co_return loaded;
  }
  // A full queue says nothing about the file.
  if (keys.status().code() == absl::StatusCode::kResourceExhausted) co_return loaded;
  co_return RegistrationMisconfigured(
      absl::StrCat("the JWK set's file: ", keys.status().message()));
}

}  // namespace tokensvc
