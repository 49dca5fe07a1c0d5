// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_CLIENT_H_
#define TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_CLIENT_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "asio/awaitable.hpp"
#include "asio/steady_timer.hpp"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker_pool.h"
#include "service/authority/error.h"
#include "service/credential/managed_identity.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// How often and how long a platform's endpoint is asked for one token. Here, unlike at
/// authorities, a retry is ours to make (ADR 0011): 404 and 410 are how IMDS says that it is being
/// updated, and it asks its clients to come back.
struct ManagedIdentityRetries {
  int attempts = 3;
  absl::Duration first_wait = absl::Seconds(1);  ///< Doubles; `Retry-After`, where that is longer.
  absl::Duration attempt_timeout = absl::Seconds(5);
  absl::Duration budget = absl::Seconds(15);  ///< For all of it.
};

/// Counters of what platforms' endpoints gave. One set for all loops.
struct ManagedIdentityMetrics {
  explicit ManagedIdentityMetrics(MetricRegistry& registry);

  Counter& token;
  Counter& refused;  ///< 400, 401, 403, a challenge that is not followed, a file that is not there.
  Counter& throttled;    ///< 429, to the end.
  Counter& unavailable;  ///< No answer, 404, 410, 5xx, to the end.
  Counter& invalid;      ///< An answer that makes no sense.
  Counter& retries;
};

/// Asks the platform for managed identities' tokens. No cache. Belongs to one event loop, and must
/// outlive the coroutines of that loop.
class ManagedIdentityClient {
 public:
  struct Dependencies {
    HttpTransport& transport;
    const Clock& clock;
    WorkerPool& workers;
    Logger& logger;
    ManagedIdentityMetrics& metrics;
  };

  explicit ManagedIdentityClient(Dependencies dependencies, ManagedIdentityRetries retries = {})
      : deps_(dependencies), retries_(retries) {}

  /// A token of `identity` for `resource`. Ends within the budget. Errors as
  /// `ParseManagedIdentityAnswer`; kAuthorityUnavailable where there is no answer;
  /// kRegistrationMisconfigured where Azure Arc's challenge is not one to follow, or its key can't
  /// be read; kOverloaded where too many requests or files wait already.
  asio::awaitable<Result<ManagedIdentityToken>> Ask(std::shared_ptr<const ManagedIdentity> identity,
                                                    std::string resource);

 private:
  using SteadyTime = asio::steady_timer::time_point;

  asio::awaitable<Result<ManagedIdentityToken>> AskOnce(const ManagedIdentity& identity,
                                                        const std::string& resource,
                                                        SteadyTime until);
  asio::awaitable<Result<HttpResponse>> Send(const ManagedIdentity& identity,
                                             const std::string& resource, const Secret& proof,
                                             SteadyTime until);
  asio::awaitable<Result<Secret>> AppServiceProof(const ManagedIdentity& identity);
  asio::awaitable<Result<Secret>> ArcProof(const ManagedIdentity& identity,
                                           const std::string& resource, SteadyTime until);
  void Record(const ManagedIdentity& identity, const Result<ManagedIdentityToken>& result,
              int attempts, BootTime started);

  const Dependencies deps_;
  const ManagedIdentityRetries retries_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_CLIENT_H_
