// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_LOG_H_
#define TOKENSVC_BASE_LOG_H_

#include <initializer_list>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"

namespace tokensvc {

enum class LogSeverity { kDebug, kInfo, kWarning, kError };

/// One named value of a log line. Names are snake_case; values are text, integers, numbers or
/// booleans. There is no constructor from `Secret`: a secret cannot be logged without a `Reveal()`
/// in plain sight.
struct LogField {
  LogField(absl::string_view n, absl::string_view v) : name(n), value(v) {}
  LogField(absl::string_view n, const char* v) : name(n), value(absl::string_view(v)) {}
  LogField(absl::string_view n, const std::string& v) : name(n), value(absl::string_view(v)) {}
  LogField(absl::string_view n, bool v) : name(n), value(v) {}
  LogField(absl::string_view n, int v) : name(n), value(static_cast<long long>(v)) {}
  LogField(absl::string_view n, long long v) : name(n), value(v) {}
  LogField(absl::string_view n, double v) : name(n), value(v) {}

  absl::string_view name;
  std::variant<absl::string_view, long long, double, bool> value;
};

/// Where log lines go. Thread-safe; `Write` never blocks on the sink's device and keeps no view.
class Logger {
 public:
  virtual ~Logger() = default;
  /// Whether a line of this severity would be kept: lets a caller skip the work of making it.
  virtual bool Enabled(LogSeverity severity) const = 0;
  /// `event` is a stable snake_case name that operators search for; the rest is in `fields`.
  virtual void Write(LogSeverity severity, absl::string_view event,
                     std::initializer_list<LogField> fields) = 0;

  void Debug(absl::string_view event, std::initializer_list<LogField> fields = {}) {
    if (Enabled(LogSeverity::kDebug)) Write(LogSeverity::kDebug, event, fields);
  }
  void Info(absl::string_view event, std::initializer_list<LogField> fields = {}) {
    if (Enabled(LogSeverity::kInfo)) Write(LogSeverity::kInfo, event, fields);
  }
  void Warning(absl::string_view event, std::initializer_list<LogField> fields = {}) {
    Write(LogSeverity::kWarning, event, fields);
  }
  void Error(absl::string_view event, std::initializer_list<LogField> fields = {}) {
    Write(LogSeverity::kError, event, fields);
  }
};

/// Drops everything.
class NullLogger final : public Logger {
 public:
  bool Enabled(LogSeverity) const override { return false; }
  void Write(LogSeverity, absl::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_LOG_H_
