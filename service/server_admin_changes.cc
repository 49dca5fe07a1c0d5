// SPDX-License-Identifier: Apache-2.0
// What the AdminService does.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/mutex.h"
#include "service/authority/tenant.h"
#include "service/server_admin.h"
#include "service/server_admin_config.h"
#include "service/source/app_token_source.h"

namespace tokensvc {
namespace {

constexpr int kMaxErrorLines = 200;
constexpr std::size_t kMaxErrorLine = 1000;

template <class Repeated>
auto FindNamed(const Repeated& list, const std::string& name) -> decltype(&list.Get(0)) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&name](const auto& each) { return each.name() == name; });
  return found == list.end() ? nullptr : &*found;
}

Result<PurgeTarget> RegistrationTarget(const config::v1::ServiceConfig& config,
                                       const std::string& name) {
  if (FindNamed(config.registrations(), name) == nullptr) {
    return InvalidRequest("registration", "names no registration of the configuration in force");
  }
  PurgeTarget target;
  target.kind = PurgeTarget::Kind::kRegistration;
  target.registration = name;
  return target;
}

Result<PurgeTarget> TenantTarget(const config::v1::ServiceConfig& config,
                                 const admin::v1::PurgeTenant& wanted) {
  const config::v1::Authority* const authority =
      FindNamed(config.authorities(), wanted.authority());
  if (authority == nullptr) {
    return InvalidRequest("tenant.authority", "names no authority of the configuration in force");
  }
  if (!authority->has_entra()) {
    return InvalidRequest("tenant.authority", "has no tenants: purge its registrations");
  }
  Result<std::string> tenant = CanonicalTenant(wanted.tenant());
  if (!tenant.ok()) return InvalidRequest("tenant.tenant", "must be a GUID or a verified domain");
  PurgeTarget target;
  target.kind = PurgeTarget::Kind::kTenant;
  target.authority = wanted.authority();
  target.tenant = *std::move(tenant);
  return target;
}

Result<PurgeTarget> CredentialTarget(const config::v1::ServiceConfig& config,
                                     const admin::v1::PurgeCredential& wanted) {
  const config::v1::Registration* const registration =
      FindNamed(config.registrations(), wanted.registration());
  if (registration == nullptr) {
    return InvalidRequest("credential.registration",
                          "names no registration of the configuration in force");
  }
  absl::string_view index = wanted.credential();
  int number = 0;
  // What is written in another way than ids are (a sign, a leading zero) is none of them.
  if (!absl::ConsumePrefix(&index, absl::StrCat(wanted.registration(), "/")) ||
      !absl::SimpleAtoi(index, &number) || absl::StrCat(number) != index || number < 0 ||
      number >= registration->credentials_size()) {
    return InvalidRequest("credential.credential",
                          "is no credential of this registration: write REGISTRATION/INDEX, "
                          "counted from 0, as logs and metrics do; of one that is not in the "
                          "configuration any more, purge the registration");
  }
  PurgeTarget target;
  target.kind = PurgeTarget::Kind::kCredential;
  target.registration = wanted.registration();
  target.credential = wanted.credential();
  return target;
}

Result<PurgeTarget> TargetOf(const config::v1::ServiceConfig& config,
                             const admin::v1::PurgeCacheRequest& request) {
  switch (request.target_case()) {
    case admin::v1::PurgeCacheRequest::kRegistration:
      return RegistrationTarget(config, request.registration());
    case admin::v1::PurgeCacheRequest::kTenant:
      return TenantTarget(config, request.tenant());
    case admin::v1::PurgeCacheRequest::kCredential:
      return CredentialTarget(config, request.credential());
    case admin::v1::PurgeCacheRequest::TARGET_NOT_SET:
      break;
  }
  return InvalidRequest("target", "say whose tokens: registration, tenant or credential");
}

Error NoFile() {
  Error error;
  error.code = absl::StatusCode::kFailedPrecondition;
  error.reason = Reason::kInvalidRequest;
  error.message = "this process has no configuration file to read again";
  return error;
}

Error NotReadInTime() {
  Error error;
  error.code = absl::StatusCode::kDeadlineExceeded;
  error.reason = Reason::kDeadline;
  error.message = "the configuration was not read in time; it may still be put in force";
  return error;
}

Error TooManyReloads() {
  Error error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = Reason::kOverloaded;
  error.message = "too many reloads are waited for";
  error.retry_after = kDefaultRetryAfter;
  return error;
}

void AddErrors(absl::string_view text, admin::v1::ReloadResponse* response) {
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    if (response->errors_size() == kMaxErrorLines) return;
    line = line.substr(0, kMaxErrorLine);
    response->add_errors(line.data(), line.size());
  }
}

/// A call that its answer or its deadline ends, whichever comes first. Thread-safe.
class OneAnswer {
 public:
  explicit OneAnswer(AdminBackend::Done<admin::v1::ReloadResponse> done) : done_(std::move(done)) {}

  void Give(Result<admin::v1::ReloadResponse> answer) {
    AdminBackend::Done<admin::v1::ReloadResponse> done;
    {
      MutexLock lock(&mutex_);
      done.swap(done_);
    }
    if (done) done(std::move(answer));
  }

 private:
  Mutex mutex_;
  AdminBackend::Done<admin::v1::ReloadResponse> done_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void ServerAdmin::PurgeCache(const admin::v1::PurgeCacheRequest& request, BootTime deadline,
                             Done<admin::v1::PurgeCacheResponse> done) {
  const Result<PurgeTarget> target = TargetOf(Current()->config, request);
  if (!target.ok()) return done(target.error());
  deps_.purger.Purge(*target, deadline, [done = std::move(done)](Result<PurgeReport> report) {
    if (!report.ok()) return done(report.error());
    admin::v1::PurgeCacheResponse response;
    response.set_shared(report->shared);
    done(std::move(response));
  });
}

void ServerAdmin::Reload(const admin::v1::ReloadRequest&, BootTime deadline,
                         Done<admin::v1::ReloadResponse> done) {
  if (deps_.reloads == nullptr) return done(NoFile());
  const auto answer = std::make_shared<OneAnswer>(std::move(done));
  deps_.executor.RunAfter(deadline - deps_.clock.Boot(),
                          [answer] { answer->Give(NotReadInTime()); });
  const auto give = [answer, in_force = in_force_,
                     before = Current()->version](const ReloadRequests::Answer& read) {
    switch (read.fate) {
      case ReloadRequests::Answer::Fate::kClosed:
        return answer->Give(Draining());
      case ReloadRequests::Answer::Fate::kTooManyWait:
        return answer->Give(TooManyReloads());
      case ReloadRequests::Answer::Fate::kRead:
        break;
    }
    admin::v1::ReloadResponse response;
    const std::shared_ptr<const InForce> now = in_force->Get();
    if (!read.status.ok()) {
      response.set_outcome(admin::v1::RELOAD_OUTCOME_REFUSED);
      AddErrors(read.status.message(), &response);
    } else {
      response.set_outcome(now->version == before ? admin::v1::RELOAD_OUTCOME_UNCHANGED
                                                  : admin::v1::RELOAD_OUTCOME_IN_FORCE);
    }
    response.set_needs_restart(now->needs_restart);
    answer->Give(std::move(response));
  };
  deps_.reloads->Ask(give);
}

}  // namespace tokensvc
