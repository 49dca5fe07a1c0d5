// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_TESTING_CAPTURING_LOGGER_H_
#define TOKENSVC_TESTS_TESTING_CAPTURING_LOGGER_H_

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "base/mutex.h"

namespace tokensvc::testing {

/// Keeps every line, of every severity. Thread-safe.
class CapturingLogger final : public Logger {
 public:
  struct Line {
    LogSeverity severity;
    std::string event;
    std::map<std::string, std::string> fields;
  };

  bool Enabled(LogSeverity) const override { return true; }

  void Write(LogSeverity severity, absl::string_view event,
             std::initializer_list<LogField> fields) override {
    Line line{severity, std::string(event), {}};
    for (const LogField& field : fields) line.fields[std::string(field.name)] = Text(field);
    MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
  }

  std::vector<Line> lines() const {
    MutexLock lock(&mutex_);
    return lines_;
  }

  /// How many lines have that event.
  std::size_t Count(absl::string_view event) const {
    MutexLock lock(&mutex_);
    return static_cast<std::size_t>(std::count_if(
        lines_.begin(), lines_.end(), [event](const Line& line) { return line.event == event; }));
  }

  /// Everything that was written, for searching it for what must not be there.
  std::string AllText() const {
    std::string text;
    for (const Line& line : lines()) {
      absl::StrAppend(&text, line.event);
      for (const auto& [name, value] : line.fields) absl::StrAppend(&text, " ", name, "=", value);
      absl::StrAppend(&text, "\n");
    }
    return text;
  }

 private:
  static std::string Text(const LogField& field) {
    return std::visit(
        [](const auto& value) -> std::string {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, bool>) {
            return value ? "true" : "false";
          } else {
            return absl::StrCat(value);
          }
        },
        field.value);
  }

  mutable Mutex mutex_;
  std::vector<Line> lines_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_TESTING_CAPTURING_LOGGER_H_
