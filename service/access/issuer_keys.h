// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_ISSUER_KEYS_H_
#define TOKENSVC_SERVICE_ACCESS_ISSUER_KEYS_H_

#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "service/jose/jwk_set.h"

namespace tokensvc {

/// The keys that one issuer signs with, as they are now. Thread-safe.
class IssuerKeys {
 public:
  using Snapshot = std::shared_ptr<const JwkSet>;
  using Done = std::function<void(Snapshot)>;

  virtual ~IssuerKeys() = default;

  /// The keys in force; null while there are none. Never waits.
  virtual Snapshot Current() = 0;

  /// For a token whose key is not in `seen` (null: there were no keys at all): has the keys looked
  /// up anew, unless that was done only just now, and calls `done` once with those in force, which
  /// may still be `seen`. `done` runs on the issuer's loop, after `at_most` at the latest, or at
  /// once on the calling thread where nothing is worth waiting for. Dropped without a call where
  /// the loop ends first.
  virtual void WaitForNewer(Snapshot seen, absl::Duration at_most, Done done) = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_ISSUER_KEYS_H_
