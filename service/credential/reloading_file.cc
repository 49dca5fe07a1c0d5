// SPDX-License-Identifier: Apache-2.0
#include "service/credential/reloading_file.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "service/jose/thumbprint.h"

namespace tokensvc {

ReloadingFile::ReloadingFile(Options options, const CredentialEnvironment& environment)
    : options_(std::move(options)),
      clock_(environment.clock),
      logger_(environment.logger),
      counters_(environment.metrics.For(options_.credential_id)),
      next_check_(clock_.Boot() + ToNanos(kCheckInterval)) {}

ReloadingFile::Identities ReloadingFile::Identify() const {
  Identities identities;
  for (const std::string& path : options_.paths) identities.push_back(IdentifyFile(path));
  return identities;
}

// On success `accepted_` and `accepted_digest_` are those of what was read; equal contents are not
// accepted a second time.
absl::Status ReloadingFile::Load(std::uint64_t version) {
  Identities identities;
  std::vector<Secret> contents;
  std::string digests;
  for (const std::string& path : options_.paths) {
    absl::StatusOr<FileContent> file = ReadSmallFile(path, kMaxBytes);
    if (!file.ok()) return file.status();
    absl::StrAppend(&digests, Sha256(file->bytes.Reveal()));
    identities.emplace_back(file->identity);
    contents.push_back(std::move(file->bytes));
  }
  // A file that was replaced while the next one was read does not belong to it.
  if (Identify() != identities) return absl::AbortedError("the files changed while they were read");
  if (digests != accepted_digest_) {
    if (absl::Status status = Accept(std::move(contents), version); !status.ok()) return status;
    accepted_digest_ = std::move(digests);
  }
  accepted_ = std::move(identities);
  return absl::OkStatus();
}

bool ReloadingFile::CheckIsDue() const {
  return !options_.paths.empty() && !checking_.load(std::memory_order_relaxed) &&
         clock_.Boot() >= next_check_.load(std::memory_order_relaxed);
}

void ReloadingFile::Check() {
  if (!CheckIsDue() || checking_.exchange(true, std::memory_order_acquire)) return;
  // Once more: another thread may have done it between the two conditions above.
  const BootTime now = clock_.Boot();
  if (now >= next_check_.load(std::memory_order_relaxed)) {
    TakeOverChange();
    next_check_.store(now + ToNanos(kCheckInterval), std::memory_order_relaxed);
  }
  checking_.store(false, std::memory_order_release);
}

void ReloadingFile::TakeOverChange() {
  const Identities present = Identify();
  if (present == accepted_) {
    refused_.reset();
    return;
  }
  const std::string before = accepted_digest_;
  const std::uint64_t next = version() + 1;
  const absl::Status status = Load(next);
  if (!status.ok()) {
    if (refused_ == present) return;
    refused_ = present;
    counters_.reload_failures.Increment();
    logger_.Warning("credential_reload_failed",
                    {{"credential", credential_id()}, {"reason", std::string(status.message())}});
    return;
  }
  refused_.reset();
  if (accepted_digest_ == before) return;  // Touched, or replaced by the same.
  version_.store(next, std::memory_order_release);
  counters_.reloads.Increment();
  logger_.Info("credential_reloaded", {{"credential", credential_id()}});
}

}  // namespace tokensvc
