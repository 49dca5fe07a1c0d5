// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_DOCUMENT_CACHE_H_
#define TOKENSVC_SERVICE_AUTHORITY_DOCUMENT_CACHE_H_

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "asio/awaitable.hpp"
#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/this_coro.hpp"
#include "asio/use_awaitable.hpp"
#include "base/clock.h"
#include "service/authority/error.h"

namespace tokensvc {

/// How long documents live in a `DocumentCache`.
struct DocumentPolicy {
  absl::Duration refresh_after =
      absl::Hours(12);  ///< Older ones are answered, and fetched anew meanwhile.
  absl::Duration fresh_for =
      absl::Hours(24);  ///< Older ones are answered only where fetching fails.
  absl::Duration max_stale = absl::Hours(24 * 7);   ///< Older ones are never answered.
  absl::Duration first_backoff = absl::Seconds(5);  ///< After a failure; doubles with each more.
  absl::Duration max_backoff = absl::Seconds(60);
  std::size_t max_documents = 1024;  ///< Beyond that the least recently used goes.
};

/// Documents that are fetched when they are wanted, at most one fetch per document at a time, with
/// failures remembered. There are no timers: only use makes it fetch. Belongs to one event loop. A
/// fetch runs on its own, so that it survives the caller that began it; it holds what it needs
/// except the clock, which must live until the loop has stopped. The cache itself must outlive the
/// coroutines that wait in `Get`.
template <class T>
class DocumentCache {
 public:
  using Value = std::shared_ptr<const T>;
  /// Makes the coroutine that fetches. Not itself a coroutine with captures: those would dangle.
  /// The coroutine ends by itself: it has its own time limit.
  using Fetch = std::function<asio::awaitable<Result<T>>()>;

  DocumentCache(const Clock& clock, DocumentPolicy policy) : clock_(&clock), policy_(policy) {}

  /// The document, from the cache or by `fetch`. While a failure is remembered: the old document if
  /// it is not too old and the failure was not kAuthorityUntrusted, else that error at once, with
  /// the time that remains.
  asio::awaitable<Result<Value>> Get(std::string key, Fetch fetch) {
    const BootTime now = clock_->Boot();
    const std::shared_ptr<Entry> entry = FindOrAdd(key, now);
    const bool blocked = entry->error.has_value() && now < entry->retry_at;
    std::shared_ptr<Flight> flight = entry->flight.lock();
    const bool fresh = entry->IsYounger(policy_.fresh_for, now);
    const bool due = !entry->IsYounger(policy_.refresh_after, now);
    if (due && !blocked && flight == nullptr) {
      const auto executor = co_await asio::this_coro::executor;
      flight = std::make_shared<Flight>(executor);
      entry->flight = flight;
      asio::co_spawn(executor, Run(clock_, policy_, entry, flight, std::move(fetch)),
                     asio::detached);
    }
    if (fresh) co_return entry->value;
    if (!blocked && !flight->finished) {
      // An error means "woken" here: the end of the flight cancels the wait.
      auto woken = flight->timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
      co_await std::move(woken);
      if (!flight->finished) {
        Error cancelled;
        cancelled.code = absl::StatusCode::kDeadlineExceeded;
        cancelled.reason = Reason::kDeadline;
        cancelled.message = "the wait for the authority's metadata was given up";
        co_return cancelled;
      }
    }
    co_return Outcome(*entry, policy_, clock_->Boot());
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Flight {
    template <class Executor>
    explicit Flight(const Executor& executor)
        : timer(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer timer;
    bool finished = false;
  };

  struct Entry {
    bool IsYounger(absl::Duration than, BootTime now) const {
      return value != nullptr && now - fetched_at < ToNanos(than);
    }
    Value value;
    BootTime fetched_at, retry_at, used_at;
    std::optional<Error> error;
    absl::Duration backoff;
    // Weak: timers belong to running coroutines only, so that the cache may outlive the loop.
    std::weak_ptr<Flight> flight;
  };

  static Result<Value> Outcome(const Entry& entry, const DocumentPolicy& policy, BootTime now) {
    if (!entry.error.has_value()) return entry.value;
    const bool untrusted = entry.error->reason == Reason::kAuthorityUntrusted;
    if (!untrusted && entry.IsYounger(policy.max_stale, now)) return entry.value;
    Error error = *entry.error;
    if (error.retry_after.has_value()) {
      error.retry_after =
          std::max<absl::Duration>(absl::FromChrono(entry.retry_at - now), absl::Seconds(1));
    }
    return error;
  }

  static asio::awaitable<void> Run(const Clock* clock, DocumentPolicy policy,
                                   std::shared_ptr<Entry> entry, std::shared_ptr<Flight> flight,
                                   Fetch fetch) {
    Result<T> result = Error();
    try {
      asio::awaitable<Result<T>> pending = fetch();
      result = co_await std::move(pending);
    } catch (const std::exception&) {
      // Foreign code threw; waiters must not wait for ever.
      result = Error();
    }
    const BootTime now = clock->Boot();
    if (result.ok()) {
      entry->value = std::make_shared<const T>(std::move(result).value());
      entry->fetched_at = now;
      entry->error.reset();
      entry->backoff = absl::ZeroDuration();
    } else {
      entry->backoff =
          std::clamp<absl::Duration>(entry->backoff * 2, policy.first_backoff, policy.max_backoff);
      const absl::Duration told = result.error().retry_after.value_or(absl::ZeroDuration());
      const absl::Duration wait = std::max(entry->backoff, std::min(told, policy.max_backoff));
      entry->retry_at = now + ToNanos(wait);
      entry->error = std::move(result).error();
    }
    flight->finished = true;
    flight->timer.cancel();
  }

  std::shared_ptr<Entry> FindOrAdd(const std::string& key, BootTime now) {
    std::shared_ptr<Entry>& slot = entries_[key];
    if (slot == nullptr) slot = std::make_shared<Entry>();
    const std::shared_ptr<Entry> entry = slot;
    entry->used_at = now;
    if (entries_.size() > policy_.max_documents) {
      auto oldest = entries_.end();
      for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        if (it->second == entry) continue;
        if (oldest == entries_.end() || it->second->used_at < oldest->second->used_at) oldest = it;
      }
      if (oldest != entries_.end()) entries_.erase(oldest);
    }
    return entry;
  }

  const Clock* clock_;
  DocumentPolicy policy_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_DOCUMENT_CACHE_H_
