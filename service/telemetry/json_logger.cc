// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/json_logger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxLineBytes = 8192;
constexpr std::size_t kMaxValueBytes = 2048;
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

/// Length of the UTF-8 sequence at the start of `text`, 0 where it is malformed (RFC 3629).
std::size_t Utf8Length(absl::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef && follows(1) && follows(2)) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4 && follows(1) && follows(2) && follows(3)) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool beyond = first == 0xf4 && byte(1) > 0x8f;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

void AppendString(absl::string_view text, std::string* out) {
  out->push_back('"');
  const bool cut = text.size() > kMaxValueBytes;
  text = text.substr(0, kMaxValueBytes);
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    const std::size_t length = Utf8Length(text);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(text[0]);
    } else if (c < 0x20 || c == 0x7f) {
      absl::StrAppendFormat(out, "\\u%04x", c);
    } else if (length == 0) {
      out->append("\\ufffd");
    } else {
      out->append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  if (cut) out->append("…");
  out->push_back('"');
}

void AppendValue(const LogField& field, std::string* line) {
  if (const auto* text = std::get_if<absl::string_view>(&field.value)) {
    AppendString(*text, line);
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
  std::string line = absl::StrCat(
      "{\"time\":\"", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone()),
      "\",\"severity\":\"", SeverityName(severity), "\",\"event\":");
  AppendString(event, &line);
  for (const LogField& field : fields) {
    const std::size_t before = line.size();
    line.push_back(',');
    AppendString(field.name, &line);
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
