// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/json_logger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "service/telemetry/json_text.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxLineBytes = 8192;
constexpr absl::Duration kLastWords = absl::Seconds(1);

absl::string_view SeverityName(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::kDebug:
      return "debug";
    case LogSeverity::kInfo:
      return "info";
    case LogSeverity::kWarning:
      return "warning";
    case LogSeverity::kError:
      return "error";
  }
  return "error";
}

void AppendValue(const LogField& field, std::string* line) {
  if (const auto* text = std::get_if<absl::string_view>(&field.value)) {
    AppendJsonText(*text, line);
  } else if (const auto* integer = std::get_if<long long>(&field.value)) {
    absl::StrAppend(line, *integer);
  } else if (const auto* number = std::get_if<double>(&field.value)) {
    // JSON has no infinity and no NaN.
    absl::StrAppend(line, std::isfinite(*number) ? absl::StrCat(*number) : "null");
  } else {
    line->append(std::get<bool>(field.value) ? "true" : "false");
  }
}

std::string MakeLine(LogSeverity severity, absl::string_view event,
                     std::initializer_list<LogField> fields) {
  std::string line = absl::StrCat("{\"time\":\"", JsonTime(absl::Now()), "\",\"severity\":\"",
                                  SeverityName(severity), "\",\"event\":");
  AppendJsonText(event, &line);
  for (const LogField& field : fields) {
    const std::size_t before = line.size();
    line.push_back(',');
    AppendJsonText(field.name, &line);
    line.push_back(':');
    AppendValue(field, &line);
    if (line.size() > kMaxLineBytes) {
      line.resize(before);
      line.append(",\"truncated\":true");
      break;
    }
  }
  line.append("}\n");
  return line;
}

/// Writes all of `text`; waits for a device that is busy until `abandoned`.
void WriteAll(int fd, absl::string_view text, const std::atomic<bool>& abandoned) {
  while (!text.empty() && !abandoned) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && errno == EINTR) {
      continue;
    } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd ready{fd, POLLOUT, 0};
      poll(&ready, 1, 100);
    } else {
      return;  // a full disk, a closed pipe: nobody is there to be told
    }
  }
}

}  // namespace

JsonLogger::JsonLogger(Options options)
    : state_(std::make_shared<State>(options)), writer_([state = state_] { Run(*state); }) {}

JsonLogger::~JsonLogger() {
  const absl::Time deadline = absl::Now() + kLastWords;
  MutexLock lock(&state_->mutex);
  state_->ending = true;
  state_->changed.NotifyAll();
  while (!state_->ended && absl::Now() < deadline) {
    state_->changed.WaitFor(&state_->mutex, absl::Milliseconds(50));
  }
  // Who sits in a blocking write can't be waited for; it keeps its share of the state, and writes
  // nothing more: the descriptor may be somebody else's by then.
  state_->abandoned = true;
  writer_.detach();
}

void JsonLogger::Write(LogSeverity severity, absl::string_view event,
                       std::initializer_list<LogField> fields) {
  if (!Enabled(severity)) return;
  std::string line = MakeLine(severity, event, fields);
  MutexLock lock(&state_->mutex);
  if (state_->queue.size() >= state_->options.max_queued_lines) {
    ++state_->dropped;
    return;
  }
  state_->queue.push_back(std::move(line));
  state_->changed.NotifyOne();
}

void JsonLogger::Run(State& state) {
  for (;;) {
    std::deque<std::string> lines;
    long long dropped = 0;
    {
      MutexLock lock(&state.mutex);
      while (state.queue.empty() && !state.ending) state.changed.Wait(&state.mutex);
      if (state.queue.empty()) {
        state.ended = true;
        state.changed.NotifyAll();
        return;
      }
      lines.swap(state.queue);
      std::swap(dropped, state.dropped);
    }
    if (dropped > 0) {
      lines.push_front(MakeLine(LogSeverity::kWarning, "log_lines_dropped", {{"count", dropped}}));
    }
    for (const std::string& line : lines) {
      WriteAll(state.options.fd, line, state.abandoned);
    }
  }
}

}  // namespace tokensvc
