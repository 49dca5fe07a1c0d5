// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_JSON_LOGGER_H_
#define TOKENSVC_SERVICE_TELEMETRY_JSON_LOGGER_H_

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "base/log.h"
#include "base/mutex.h"

namespace tokensvc {

/// Writes one JSON object a line to a file descriptor: `time` (RFC 3339, UTC, microseconds),
/// `severity`, `event`, and the fields. A thread of its own does the writing, so that a stuck pipe
/// or a full disk blocks no caller: what does not fit into the queue is dropped, and a later line
/// says how many were. Thread-safe.
class JsonLogger final : public Logger {
 public:
  struct Options {
    int fd = 2;  ///< Not closed.
    LogSeverity level = LogSeverity::kInfo;
    std::size_t max_queued_lines = 8192;
  };

  explicit JsonLogger(Options options);
  /// Writes what is queued, for at most a second where the device does not take it.
  ~JsonLogger() override;

  bool Enabled(LogSeverity severity) const override { return severity >= state_->options.level; }
  void Write(LogSeverity severity, absl::string_view event,
             std::initializer_list<LogField> fields) override;

 private:
  /// Shared with the writer's thread, which a stuck device may keep beyond this object's life.
  struct State {
    explicit State(Options o) : options(o) {}
    const Options options;
    Mutex mutex;
    CondVar changed;
    std::deque<std::string> queue ABSL_GUARDED_BY(mutex);
    long long dropped ABSL_GUARDED_BY(mutex) = 0;
    bool ending ABSL_GUARDED_BY(mutex) = false;
    bool ended ABSL_GUARDED_BY(mutex) = false;
    std::atomic<bool> abandoned{false};  ///< Nobody waits any more: write nothing from here on.
  };

  static void Run(State& state);

  const std::shared_ptr<State> state_;
  std::thread writer_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_JSON_LOGGER_H_
