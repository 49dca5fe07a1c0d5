// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_RELOAD_REQUESTS_H_
#define TOKENSVC_SERVICE_CONFIG_RELOAD_REQUESTS_H_

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/mutex.h"

namespace tokensvc {

/// Carries requests for a reload from any thread to the one that reads the configuration, and its
/// answers back. All who ask until it looks share one reload. Thread-safe.
class ReloadRequests {
 public:
  /// What became of a request.
  struct Answer {
    enum class Fate {
      kRead,
      kTooManyWait,
      kClosed,  ///< Nobody reads any more.
    };
    Fate fate = Fate::kRead;
    /// Of what was read: OK where it is in force, now or already; else its mistakes, without the
    /// values of the file.
    absl::Status status;
  };
  using Done = std::function<void(const Answer&)>;
  static constexpr std::size_t kMaxWaiting = 16;

  /// `wake` makes the reading thread call `Serve` soon. Runs on the threads of those who ask.
  explicit ReloadRequests(std::function<void()> wake) : wake_(std::move(wake)) {}
  ~ReloadRequests() { Close(); }
  ReloadRequests(const ReloadRequests&) = delete;
  ReloadRequests& operator=(const ReloadRequests&) = delete;

  /// Calls `done` once: on the reading thread, or at once where nothing comes of it.
  void Ask(Done done) ABSL_LOCKS_EXCLUDED(mutex_);

  /// For the reading thread, now and then: calls `poll`, with whether somebody asked, and hands
  /// what it returns to all who did.
  void Serve(const std::function<absl::Status(bool asked)>& poll) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Nobody reads from here on: whoever waits is told, and whoever asks later. Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const std::function<void()> wake_;
  Mutex mutex_;
  std::vector<Done> waiting_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_RELOAD_REQUESTS_H_
