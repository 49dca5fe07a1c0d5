// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_JWK_SET_SOURCE_H_
#define TOKENSVC_SERVICE_ACCESS_JWK_SET_SOURCE_H_

#include <optional>

#include "absl/time/time.h"
#include "asio/awaitable.hpp"
#include "service/authority/error.h"
#include "service/jose/jwk_set.h"

namespace tokensvc {

/// Where an issuer publishes its keys.
class JwkSetSource {
 public:
  struct Loaded {
    std::optional<JwkSet> keys;  ///< Absent: nothing changed since the last look.
    /// How long the publisher wants them to be taken for new, where it says so.
    std::optional<absl::Duration> fresh_for;
  };

  virtual ~JwkSetSource() = default;

  /// Looks once, and ends by itself: it has its own time limit. One call at a time, on one loop.
  /// The error's message holds nothing of what was read.
  virtual asio::awaitable<Result<Loaded>> Load() = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_JWK_SET_SOURCE_H_
