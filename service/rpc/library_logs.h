// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_LIBRARY_LOGS_H_
#define TOKENSVC_SERVICE_RPC_LIBRARY_LOGS_H_

#include <cstddef>

#include "base/clock.h"
#include "base/log.h"

namespace tokensvc {

/// Takes what gRPC and protobuf have to say for our log, as the events `grpc_log` and
/// `protobuf_log`. Left alone they write to standard error from the thread that serves a call, and
/// any caller can make them: one who sends invalid UTF-8 would stop the process where standard
/// error is a pipe that nobody reads.
///
/// The text is not ours, so little of it passes: gRPC's errors only (its other lines show
/// metadata), no value of a header, `kMaxTextBytes` of a line, `kLinesPerSecond` lines of a
/// library; `dropped` in the next one counts the others. (Abseil's raw log needs no such care: in a
/// release build it has only the last words of a process that aborts.)
///
/// The hooks belong to the process: have one object of this class at a time, made before the first
/// gRPC object. From its end on the libraries are silent.
class LibraryLogs {
 public:
  static constexpr int kLinesPerSecond = 10;
  static constexpr std::size_t kMaxTextBytes = 300;

  LibraryLogs(Logger& logger, const Clock& clock);
  ~LibraryLogs();
  LibraryLogs(const LibraryLogs&) = delete;
  LibraryLogs& operator=(const LibraryLogs&) = delete;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_LIBRARY_LOGS_H_
