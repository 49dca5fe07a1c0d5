// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_CHILD_PROCESS_H_
#define TOKENSVC_TESTS_BENCH_CHILD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tokensvc::bench {

/// A program that was started here and ends with this object (SIGTERM, then SIGKILL after some
/// seconds).
class ChildProcess {
 public:
  /// Runs `arguments[0]`; its standard error goes to `log_file`.
  ChildProcess(const std::vector<std::string>& arguments, const std::string& log_file);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  /// Ends it now, as the destructor does, and returns its exit status; -1: a signal ended it.
  int End();

  /// CPU time that it has used so far, all threads.
  absl::Duration CpuTime() const;

 private:
  pid_t pid_;  ///< -1: it has ended.
};

/// Waits until `path` exists and returns its text; empty when it does not within `timeout`.
std::string WaitForFile(const std::string& path, absl::Duration timeout);

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_CHILD_PROCESS_H_
