// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_POLICY_H_
#define TOKENSVC_SERVICE_ACCESS_POLICY_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "service/access/caller.h"

namespace tokensvc {

/// What a caller wants, as far as policy looks at it. Views live for the call of `Decide` only.
struct AccessRequest {
  absl::string_view registration;
  absl::string_view tenant;  ///< Canonical: lower case. Empty where the authority has none.
  absl::string_view grant;   ///< `client_credentials`, …
  absl::string_view scopes;  ///< Canonical, space-separated.
  /// Whether the authority tells scopes apart by case; canonical ones are in lower case otherwise.
  bool scopes_have_case = true;
  /// Whether it brings a `resource` (RFC 8707) or an `audience`: the token is then for another API
  /// than its scopes say.
  bool names_api = false;
  bool forced = false;  ///< `force_refresh`, or a claims challenge.
  bool client_claims = false;
};

/// What of a request no rule covers; the later ones mean that the ones before were covered.
enum class DenialCause : std::uint8_t {
  kNone,
  kCaller,
  kRegistration,
  kTenant,
  kGrant,
  kScope,
  kForcedRefresh,
  kClientClaims,
};
/// `tenant`, … for logs and audit records; empty for kNone.
absl::string_view DenialCauseName(DenialCause cause);

struct PolicyDecision {
  DenialCause cause = DenialCause::kCaller;
  /// The rule that allows it. Valid as long as the policy; empty where denied.
  absl::string_view rule;

  bool allowed() const { return cause == DenialCause::kNone; }
};

/// What a caller may do with the AdminService.
enum class AdminRole : std::uint8_t { kNone, kObserver, kAdministrator };

/// Who may have which token. Asked on every call, cache hits included (DESIGN.md §2, invariant 3),
/// on gRPC's own threads: quick and non-blocking. Thread-safe.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual PolicyDecision Decide(const Caller& caller, const AccessRequest& request) const = 0;
  /// Whether there is anything that `caller` may have of `registration`. Asked before a request is
  /// looked into, so that what is wrong with it tells nobody which registrations exist.
  virtual bool MayUse(const Caller& caller, absl::string_view registration) const = 0;
  virtual AdminRole RoleOf(const Caller& caller) const = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_POLICY_H_
