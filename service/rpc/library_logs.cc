// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/library_logs.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "base/mutex.h"
#include "base/rate_limiter.h"

namespace tokensvc {
namespace {

/// The libraries' hooks are plain functions, and may run until the process ends.
struct Sink {
  Mutex mutex;
  Logger* logger ABSL_GUARDED_BY(mutex) = nullptr;
  const Clock* clock ABSL_GUARDED_BY(mutex) = nullptr;
  std::optional<RateLimiter> grpc ABSL_GUARDED_BY(mutex);
  std::optional<RateLimiter> protobuf ABSL_GUARDED_BY(mutex);
};

Sink& TheSink() {
  static Sink& sink = *new Sink;
  return sink;
}

/// gRPC shows the header that it could not read: its name may pass, its value is a caller's.
absl::string_view Presentable(absl::string_view text) {
  return text.substr(0, text.find("value=")).substr(0, LibraryLogs::kMaxTextBytes);
}

struct Line {
  LogSeverity severity;
  bool last_words;  ///< The library aborts the process as soon as this is said.
  absl::string_view file;
  int number;
  absl::string_view text;
};

void Write(absl::string_view event, std::optional<RateLimiter> Sink::*of_library,
           const Line& line) {
  Sink& sink = TheSink();
  MutexLock lock(&sink.mutex);
  if (sink.logger == nullptr) return;
  const std::optional<std::int64_t> dropped = (sink.*of_library)->Take(sink.clock->Boot());
  if (!dropped.has_value() && !line.last_words) return;
  const std::string where =
      absl::StrCat(line.file.substr(line.file.rfind('/') + 1), ":", line.number);
  sink.logger->Write(line.severity, event,
                     {{"where", where},
                      {"text", Presentable(line.text)},
                      {"dropped", static_cast<long long>(dropped.value_or(0))}});
}

void Pass(absl::string_view event, std::optional<RateLimiter> Sink::*of_library, const Line& line) {
  Write(event, of_library, line);
  // Without the pause the process would be gone before the log is written.
  if (line.last_words) absl::SleepFor(absl::Milliseconds(200));
}

void PassGrpc(gpr_log_func_args* line) {
  if (line->severity != GPR_LOG_SEVERITY_ERROR) return;
  const bool last_words = absl::StartsWith(line->message, "assertion failed");
  Pass("grpc_log", &Sink::grpc,
       {LogSeverity::kError, last_words, line->file, line->line, line->message});
}

LogSeverity SeverityOf(google::protobuf::LogLevel level) {
  switch (level) {
    case google::protobuf::LOGLEVEL_INFO:
      return LogSeverity::kInfo;
    case google::protobuf::LOGLEVEL_WARNING:
      return LogSeverity::kWarning;
    default:
      return LogSeverity::kError;
  }
}

void PassProtobuf(google::protobuf::LogLevel level, const char* file, int line,
                  const std::string& text) {
  const bool last_words = level == google::protobuf::LOGLEVEL_FATAL;
  Pass("protobuf_log", &Sink::protobuf, {SeverityOf(level), last_words, file, line, text});
}

}  // namespace

LibraryLogs::LibraryLogs(Logger& logger, const Clock& clock) {
  {
    Sink& sink = TheSink();
    MutexLock lock(&sink.mutex);
    sink.logger = &logger;
    sink.clock = &clock;
    sink.grpc.emplace(kLinesPerSecond);
    sink.protobuf.emplace(kLinesPerSecond);
  }
  // Whatever GRPC_VERBOSITY says: the lines below would be made only to be thrown away.
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  gpr_set_log_function(PassGrpc);
  google::protobuf::SetLogHandler(PassProtobuf);
}

LibraryLogs::~LibraryLogs() {
  Sink& sink = TheSink();
  MutexLock lock(&sink.mutex);
  sink.logger = nullptr;
  sink.clock = nullptr;
}

}  // namespace tokensvc
