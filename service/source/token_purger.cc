// SPDX-License-Identifier: Apache-2.0
#include "service/source/token_purger.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/source/cache_key.h"

namespace tokensvc {
namespace {

Error Incomplete(absl::string_view field, absl::string_view what) {
  Error error;
  error.code = absl::StatusCode::kInvalidArgument;
  error.reason = Reason::kInvalidRequest;
  error.message = "the target of the purge is not one";
  error.violations.push_back({std::string(field), std::string(what)});
  return error;
}

Error OnlyHere() {
  Error error;
  error.code = absl::StatusCode::kUnavailable;
  error.reason = Reason::kSharedCacheUnavailable;
  error.message =
      "the shared cache did not take the purge: it holds in this replica alone until it does; "
      "purge again";
  error.retry_after = absl::Seconds(1);
  return error;
}

absl::string_view KindName(PurgeTarget::Kind kind) {
  switch (kind) {
    case PurgeTarget::Kind::kRegistration:
      return "registration";
    case PurgeTarget::Kind::kTenant:
      return "tenant";
    case PurgeTarget::Kind::kCredential:
      break;
  }
  return "credential";
}

}  // namespace

Result<PurgeScope> TokenPurger::ScopeOf(const PurgeTarget& target) const {
  switch (target.kind) {
    case PurgeTarget::Kind::kRegistration:
      if (target.registration.empty()) return Incomplete("registration", "is missing");
      return PurgeScope{PurgeKind::kRegistration, target.registration};
    case PurgeTarget::Kind::kCredential:
      if (target.credential.empty()) return Incomplete("credential", "is missing");
      return PurgeScope{PurgeKind::kCredential, target.credential};
    case PurgeTarget::Kind::kTenant:
      break;
  }
  if (target.authority.empty()) return Incomplete("authority", "is missing");
  if (target.tenant.empty()) return Incomplete("tenant", "is missing");
  const std::shared_ptr<const Directory> directory = deps_.directory();
  const auto user = std::find_if(directory->begin(), directory->end(), [&](const auto& each) {
    return each.second->authority->name == target.authority;
  });
  if (user == directory->end()) {
    return Incomplete("authority", "no registration has an authority of this name");
  }
  return PurgeScope{PurgeKind::kTenant, TenantPartition(*user->second->authority, target.tenant)};
}

void TokenPurger::Purge(const PurgeTarget& target, BootTime deadline, Done done) {
  const Result<PurgeScope> scope = ScopeOf(target);
  if (!scope.ok()) return done(scope.error());
  ScopeNames names = deps_.namer.NamesOf(*scope);
  // By one, not by this machine's clock: an epoch that is too great would hide later purges.
  const std::uint64_t epoch = deps_.epochs.Raise(names, /*at_least=*/1);
  deps_.failures.ForgetRefusals();
  deps_.logger.Info("purged", {{"kind", KindName(target.kind)},
                               {"registration", target.registration},
                               {"authority", target.authority},
                               {"tenant", target.tenant},
                               {"credential", target.credential}});
  if (deps_.shared == nullptr) return done(PurgeReport{false});
  deps_.shared->Raise(std::move(names), epoch, deadline,
                      [done = std::move(done)](const absl::Status& status) {
                        if (status.ok()) return done(PurgeReport{true});
                        done(OnlyHere());
                      });
}

}  // namespace tokensvc
