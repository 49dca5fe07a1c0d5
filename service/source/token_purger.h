// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_TOKEN_PURGER_H_
#define TOKENSVC_SERVICE_SOURCE_TOKEN_PURGER_H_

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "cache/purge_epochs.h"
#include "cache/seal/purge_namer.h"
#include "cache/shared_purges.h"
#include "service/grant/registration.h"
#include "service/source/failure_memory.h"
#include "service/source/purger.h"

namespace tokensvc {

/// Purges by raising epochs (DESIGN.md §5): here at once, so that what `LocalCache` and
/// `SealedStore` have is a miss, and in the shared cache, from where the other replicas learn of
/// it. Refusals that are remembered go, too: what is purged is to be asked for.
///
/// Beside UNAVAILABLE, `done` gets INVALID_ARGUMENT, at once, where the target is not complete, or
/// names an authority that no registration uses. Names of registrations and credentials are not
/// checked: those that were taken out of the configuration can be purged as well.
class TokenPurger final : public Purger {
 public:
  struct Dependencies {
    PurgeEpochs& epochs;
    PurgeNamer& namer;
    FailureMemory& failures;
    Logger& logger;
    /// The registrations of the moment.
    std::function<std::shared_ptr<const Directory>()> directory;
    /// Null: this replica shares nothing.
    SharedPurges* shared = nullptr;
  };

  explicit TokenPurger(Dependencies dependencies) : deps_(std::move(dependencies)) {}

  void Purge(const PurgeTarget& target, BootTime deadline, Done done) override;

 private:
  Result<PurgeScope> ScopeOf(const PurgeTarget& target) const;

  const Dependencies deps_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_TOKEN_PURGER_H_
