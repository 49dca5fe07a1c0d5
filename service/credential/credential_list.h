// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_LIST_H_
#define TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_LIST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "asio/awaitable.hpp"
#include "base/clock.h"
#include "base/mutex.h"
#include "service/credential/client_credential.h"
#include "service/credential/credential_environment.h"

namespace tokensvc {

/// The credentials of a registration, in the order of its configuration, with a memory of those
/// that the authority refused: during a rotation, not every request has to find out anew. Shared by
/// all loops; thread-safe.
class CredentialList {
 public:
  /// How long a refusal is remembered: short enough that a secret that was added at the authority
  /// late is tried again soon, long enough to spare it a wrong one per request.
  static constexpr absl::Duration kRefusalMemory = absl::Minutes(5);

  CredentialList(std::vector<std::shared_ptr<ClientCredential>> credentials,
                 const CredentialEnvironment& environment);

  /// The order in which to try them: as configured, but those that were refused within
  /// `kRefusalMemory`, in the version that they still have, come last. Nothing is left out.
  std::vector<std::shared_ptr<ClientCredential>> Candidates(BootTime now) const;

  /// Lets the refused ones look at their files, so that a repaired credential returns at once
  /// although nobody tries it. To be awaited before `Candidates`; free when nothing is refused. The
  /// list must outlive the wait.
  asio::awaitable<void> RefreshRefused();

  /// The authority answered `invalid_client` to the credential `id` in that version (what
  /// `TokenEndpointRequest::credential_version` says, not what is in force by now).
  void MarkRefused(absl::string_view id, std::uint64_t version);

  /// The authority accepted the credential `id`. Counts where it is not the first of the list.
  void MarkAccepted(absl::string_view id);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Refusal {
    BootTime at;
    std::uint64_t version = 0;
  };
  struct Entry {
    std::shared_ptr<ClientCredential> credential;
    const CredentialMetrics::Counters* counters = nullptr;
  };

  std::optional<std::size_t> Find(absl::string_view id) const;
  bool IsRefused(std::size_t index, BootTime now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  Logger& logger_;
  std::vector<Entry> entries_;  // Not changed after construction.
  mutable Mutex mutex_;
  std::vector<std::optional<Refusal>> refusals_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_LIST_H_
