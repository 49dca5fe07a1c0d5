// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_INTEGRATION_CC_CHILD_REPLICA_H_
#define TOKENSVC_TESTS_INTEGRATION_CC_CHILD_REPLICA_H_

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "tests/bench/child_process.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::testing {

/// A replica as operators run it: the program in a process of its own, so that its memory can be
/// told from the test's. Its log and metrics are read from outside.
class ChildReplica {
 public:
  /// Starts it with files in `directory` that begin with `name`, and waits until it takes calls.
  ChildReplica(const std::string& directory, const std::string& name,
               const std::string& configuration);

  /// At the listener `local`.
  v1::TokenService::Stub& stub() const { return *stub_; }
  /// Where a listener is, by its name.
  const std::string& AddressOf(const std::string& listener) const;
  pid_t pid() const { return process_->pid(); }

  /// The value of a line of /metrics (`name{labels}`); 0 where there is none.
  double Metric(const std::string& line) const;
  /// How many lines of its log have that event.
  std::size_t LogCount(const std::string& event) const;
  std::string Log() const;
  /// A figure of /proc/PID/status ("VmHWM"), in KiB.
  long MemoryKiB(const std::string& figure) const;

  /// SIGTERM, as an operator sends it; its exit status, or -1 where it did not end so.
  int End() { return process_->End(); }

 private:
  const std::string log_file_;
  std::unique_ptr<bench::ChildProcess> process_;
  std::map<std::string, std::string> addresses_;
  std::unique_ptr<v1::TokenService::Stub> stub_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_INTEGRATION_CC_CHILD_REPLICA_H_
