// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_UNIX_SOCKET_H_
#define TOKENSVC_SERVICE_RPC_UNIX_SOCKET_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"

namespace tokensvc {

/// Makes room for a listener's socket at `path`: takes away a socket that a process left behind
/// when it ended. Fails where somebody listens there (kAlreadyExists), and where something else
/// than a socket lies there (kFailedPrecondition).
absl::Status RemoveStaleSocket(const std::string& path);

/// Files and sockets that the process makes in a scope get no more than the permissions `mode`:
/// from the first moment on, which changing them afterwards would not do. Holds for all threads.
class ScopedFileMode {
 public:
  explicit ScopedFileMode(mode_t mode);
  ~ScopedFileMode();
  ScopedFileMode(const ScopedFileMode&) = delete;
  ScopedFileMode& operator=(const ScopedFileMode&) = delete;

 private:
  const mode_t before_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_UNIX_SOCKET_H_
