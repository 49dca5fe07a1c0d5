// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_PURGER_H_
#define TOKENSVC_SERVICE_SOURCE_PURGER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "service/authority/error.h"

namespace tokensvc {

/// Which cached tokens are to be forgotten.
struct PurgeTarget {
  enum class Kind : std::uint8_t { kRegistration, kTenant, kCredential };
  Kind kind = Kind::kRegistration;
  /// The registration's name; for kCredential the registration that the credential belongs to.
  std::string registration;
  /// For kTenant: the authority's name, and the tenant in canonical form.
  std::string authority;
  std::string tenant;
  /// For kCredential: the credential's id, as logs and metrics name it.
  std::string credential;
};

/// What a purge has reached.
struct PurgeReport {
  /// Whether it was written to the shared cache, so that the other replicas learn of it; false
  /// where this replica shares nothing.
  bool shared = false;
};

/// Forgets cached tokens, here and in the shared cache. Thread-safe.
class Purger {
 public:
  using Done = std::function<void(Result<PurgeReport>)>;

  virtual ~Purger() = default;

  /// From the return of this call on this replica answers no call with a token that `target` covers
  /// and that was asked for earlier. `done` runs once, on any thread, when the shared cache has
  /// taken the purge, or with UNAVAILABLE where it could not by `deadline`: the purge then holds in
  /// this replica only, and is to be asked for again.
  virtual void Purge(const PurgeTarget& target, BootTime deadline, Done done) = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_PURGER_H_
