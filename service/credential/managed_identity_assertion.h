// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_ASSERTION_H_
#define TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_ASSERTION_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "asio/any_io_executor.hpp"
#include "asio/awaitable.hpp"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "service/authority/error.h"
#include "service/credential/managed_identity_client.h"

namespace tokensvc {

/// A client assertion (RFC 7523 §2.2) that is a managed identity's token, kept until it is due for
/// a new one. Whoever uses it makes it refresh, behind the answer while the one at hand is good; at
/// most one request is under way, for the callers of all loops. A failure is remembered: refusals
/// for 10 s, others for 1 s and twice as long each time, up to 60 s, or as long as the platform
/// says. Due after half of its life where it lives more than two hours, as MSAL has it, else 5 min
/// or a fifth of its life before it ends; not used in its last 5 min, or last tenth. Thread-safe.
class ManagedIdentityAssertion final
    : public std::enable_shared_from_this<ManagedIdentityAssertion> {
 public:
  struct Value {
    Secret assertion;
    std::uint64_t version = 0;
  };
  /// Everything but the executor must outlive the loop behind it, on which the requests are made.
  struct Dependencies {
    asio::any_io_executor home;
    ManagedIdentityClient& client;
    const Clock& clock;
    RandomGenerator& random;
  };

  /// Asks for nothing yet.
  ManagedIdentityAssertion(Dependencies dependencies,
                           std::shared_ptr<const ManagedIdentity> identity, std::string audience);
  ~ManagedIdentityAssertion();

  /// A copy of the assertion, asked for first where there is none. From a coroutine on any loop;
  /// waits no longer than the client's budget. Errors: kFailedPrecondition where the platform
  /// refuses, kUnavailable otherwise, with texts of ours.
  asio::awaitable<absl::StatusOr<Value>> Get();

  /// One more for each other token.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  /// When the assertion at hand ends, by the wall clock; none: there is none.
  std::optional<absl::Time> expires_at() const;

 private:
  struct Flight;

  static asio::awaitable<absl::StatusOr<Value>> GetAtHome(
      std::shared_ptr<ManagedIdentityAssertion> self);
  static asio::awaitable<void> Fly(std::shared_ptr<ManagedIdentityAssertion> self,
                                   std::shared_ptr<Flight> flight);
  /// Takes the token over, or says what is wrong with it.
  std::optional<Error> Accept(ManagedIdentityToken token);
  void Remember(Error error);
  absl::StatusOr<Value> Outcome() const;

  const Dependencies deps_;
  const std::shared_ptr<const ManagedIdentity> identity_;
  const std::string audience_;
  std::atomic<std::uint64_t> version_{0};
  mutable Mutex mutex_;
  std::optional<absl::Time> expires_at_ ABSL_GUARDED_BY(mutex_);

  // Touched on the home loop only.
  Secret assertion_;
  BootTime usable_until_, due_;
  std::optional<Error> failure_;
  BootTime retry_at_;
  absl::Duration backoff_;
  // Weak: its timer belongs to running coroutines only, so that this may outlive the loop.
  std::weak_ptr<Flight> flight_;
};

/// The assertions that registrations use, so that those of one identity and audience share one,
/// across reloads of the configuration too. Thread-safe.
class ManagedIdentityAssertions {
 public:
  explicit ManagedIdentityAssertions(ManagedIdentityAssertion::Dependencies dependencies)
      : deps_(std::move(dependencies)) {}

  /// The assertion that goes by `name`, which says everything that the identity and the audience
  /// are made of; made of these where nobody uses it now.
  std::shared_ptr<ManagedIdentityAssertion> For(const std::string& name,
                                                std::shared_ptr<const ManagedIdentity> identity,
                                                std::string audience);

 private:
  const ManagedIdentityAssertion::Dependencies deps_;
  Mutex mutex_;
  std::map<std::string, std::weak_ptr<ManagedIdentityAssertion>> used_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_ASSERTION_H_
