// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_POLICY_H_
#define TOKENSVC_SERVICE_ACCESS_POLICY_H_

#include "absl/strings/string_view.h"
#include "service/access/caller.h"

namespace tokensvc {

/// What a caller wants, as far as policy looks at it. Views live for the call of `Allows` only.
struct AccessRequest {
  absl::string_view registration;
  absl::string_view tenant;
  absl::string_view grant;
  absl::string_view scopes;  ///< Canonical, space-separated.
};

/// Who may have which token. Asked on every call, cache hits included (DESIGN.md §2, invariant 3),
/// on gRPC's own threads: quick and non-blocking. Thread-safe.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual bool Allows(const Caller& caller, const AccessRequest& request) const = 0;
  /// Whether there is anything that `caller` may have of `registration`. Asked before a request is
  /// looked into, so that what is wrong with it tells nobody which registrations exist.
  virtual bool MayUse(const Caller& caller, absl::string_view registration) const = 0;
};

/// The policy of a service that does not know its callers: whoever reaches a listener may use every
/// registration, within the registration's own lists. That is why such a service listens on
/// loopback.
class AllowEveryCaller final : public Policy {
 public:
  bool Allows(const Caller&, const AccessRequest&) const override { return true; }
  bool MayUse(const Caller&, absl::string_view) const override { return true; }
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_POLICY_H_
