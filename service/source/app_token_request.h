// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_APP_TOKEN_REQUEST_H_
#define TOKENSVC_SERVICE_SOURCE_APP_TOKEN_REQUEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "service/authority/error.h"
#include "service/authority/scope.h"
#include "service/grant/registration.h"

namespace tokensvc {

/// What a caller says it wants, not yet looked at. Views live as long as the caller's message.
struct AppTokenParams {
  absl::string_view tenant;
  absl::InlinedVector<absl::string_view, 2> scopes;
  absl::string_view resource;
  absl::string_view audience;
  absl::string_view claims_challenge;
  absl::string_view client_claims;
  bool force_refresh = false;
  absl::string_view correlation_id;
  absl::InlinedVector<std::pair<absl::string_view, absl::string_view>, 2> extra_parameters;
};

/// A request for an app token that is well-formed and within the registration's lists: canonical.
struct AppTokenRequest {
  std::shared_ptr<const Registration> registration;
  std::string tenant;
  ScopeSet scopes;
  std::string resource;
  std::string audience;
  std::string claims_challenge;  ///< Canonical JSON; empty: none. Never part of the key.
  std::string client_claims;     ///< Canonical JSON; empty: none.
  bool force_refresh = false;
  std::string correlation_id;  ///< Made where the caller gave none.
  std::string trace_id;
  std::vector<std::pair<std::string, std::string>> extra_parameters;  ///< Sorted by name.
  /// Who asks, for bounds alone: all callers whom policy allows share a token. Empty: nobody, as
  /// for a refresh behind an answer.
  std::string caller;
  std::uint32_t concurrent_calls = 0;  ///< How many of the caller's may wait; 0: the usual share.

  /// Whether the cache is not to be read (DESIGN.md §2, invariant 5).
  bool forced() const { return force_refresh || !claims_challenge.empty(); }
};

/// `asked` where it is a correlation id that we accept (1 to 64 letters, digits, `-`, `_`, `.`),
/// else a new one.
std::string CorrelationIdFor(absl::string_view asked);

/// Checks `params` against grammar, caps and the registration; reports every malformed field at
/// once.
Result<AppTokenRequest> MakeAppTokenRequest(std::shared_ptr<const Registration> registration,
                                            const AppTokenParams& params);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_APP_TOKEN_REQUEST_H_
