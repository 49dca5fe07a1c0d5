// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_REFRESHING_ISSUER_KEYS_H_
#define TOKENSVC_SERVICE_ACCESS_REFRESHING_ISSUER_KEYS_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "asio/awaitable.hpp"
#include "asio/io_context.hpp"
#include "asio/steady_timer.hpp"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "service/access/issuer_keys.h"
#include "service/access/jwk_set_source.h"

namespace tokensvc {

/// How long keys live, and how often their source is looked at.
struct IssuerKeysPolicy {
  /// Older ones are answered, and looked up anew meanwhile. The source's own word may shorten it,
  /// to `min_refresh_after` at the least.
  absl::Duration refresh_after = absl::Hours(1);
  absl::Duration min_refresh_after = absl::Minutes(5);
  absl::Duration max_age = absl::Hours(24);         ///< Older ones are not in force any more.
  absl::Duration min_interval = absl::Seconds(30);  ///< From the end of one look to the next.
  absl::Duration first_backoff = absl::Seconds(5);  ///< Instead, after failures without any keys.
  absl::Duration max_backoff = absl::Seconds(60);   ///< It doubles to this with each failure.
  std::size_t max_waiting = 1024;                   ///< More calls are not kept waiting.

  /// For a file: it costs a `stat` to see that nothing changed.
  static IssuerKeysPolicy ForFile();
};

/// Counts of looks at issuers' keys, made once and shared by all issuers. Thread-safe.
struct IssuerKeysMetrics {
  explicit IssuerKeysMetrics(MetricRegistry& registry);
  Counter& loaded;
  Counter& failed;
};

/// Keys that are kept, and looked up anew when they are used and old, or lack what a token wants.
/// There are no timers of its own: only use makes it look, at most once at a time. What fails
/// leaves the old keys in force until they are too old. Thread-safe; the source is used on one loop
/// only.
class RefreshingIssuerKeys final : public IssuerKeys,
                                   public std::enable_shared_from_this<RefreshingIssuerKeys> {
 public:
  /// References must outlive the loop's run; so that a configuration's end does not need to wait
  /// for it, what is under way holds the object.
  struct Environment {
    asio::io_context& loop;
    const Clock& clock;
    Logger& logger;
    IssuerKeysMetrics& metrics;
  };

  /// `issuer_name` is for logs. `first`: what is at hand already, if anything.
  static std::shared_ptr<RefreshingIssuerKeys> Create(std::string issuer_name,
                                                      std::unique_ptr<JwkSetSource> source,
                                                      IssuerKeysPolicy policy,
                                                      const Environment& environment,
                                                      std::optional<JwkSet> first = std::nullopt);

  Snapshot Current() override;
  void WaitForNewer(Snapshot seen, absl::Duration at_most, Done done) override;

 private:
  /// One look. Belongs to the coroutines that take part, so that no timer outlives the loop.
  struct Flight {
    bool finished = false;
    std::vector<std::shared_ptr<asio::steady_timer>> waiters;
  };

  RefreshingIssuerKeys(std::string issuer_name, std::unique_ptr<JwkSetSource> source,
                       IssuerKeysPolicy policy, const Environment& environment);

  static asio::awaitable<void> Look(std::shared_ptr<RefreshingIssuerKeys> self,
                                    std::shared_ptr<Flight> flight);
  static asio::awaitable<void> Wait(std::shared_ptr<RefreshingIssuerKeys> self, Snapshot seen,
                                    absl::Duration at_most, Done done);

  // On the loop:
  std::shared_ptr<Flight> JoinOrStart();
  void TakeOver(Result<JwkSetSource::Loaded> result);
  void Accept(JwkSetSource::Loaded loaded, BootTime now);
  void Report(const Error* error, const JwkSet* changed);

  bool IsDifferent(const Snapshot& current, const Snapshot& seen) const;
  Snapshot InForce(BootTime now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string issuer_name_;
  const std::unique_ptr<JwkSetSource> source_;
  const IssuerKeysPolicy policy_;
  const Environment environment_;

  std::atomic<std::size_t> waiting_{0};
  // On the loop:
  std::weak_ptr<Flight> flight_;
  absl::Duration backoff_;
  std::string last_failure_;

  Mutex mutex_;
  Snapshot keys_ ABSL_GUARDED_BY(mutex_);
  BootTime loaded_at_ ABSL_GUARDED_BY(mutex_);   // Of `keys_`: the last look that succeeded.
  BootTime refresh_at_ ABSL_GUARDED_BY(mutex_);  // When the next look is due on use.
  BootTime not_before_ ABSL_GUARDED_BY(mutex_);  // There is no look before that, for nobody.
  bool look_requested_ ABSL_GUARDED_BY(mutex_) = false;  // Or under way.
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_REFRESHING_ISSUER_KEYS_H_
