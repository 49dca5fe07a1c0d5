// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_TESTING_TCP_PROXY_H_
#define TOKENSVC_TESTS_TESTING_TCP_PROXY_H_

#include <atomic>
#include <cstdint>
#include <list>
#include <thread>

#include "absl/time/time.h"
#include "base/mutex.h"

namespace tokensvc::testing {

/// Stands on 127.0.0.1 before a server of a test: hands bytes on, late if told so, and to another
/// server if told so. Thread-safe.
class TcpProxy {
 public:
  /// `target`: a port of 127.0.0.1.
  explicit TcpProxy(std::uint16_t target);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  std::uint16_t port() const { return port_; }

  /// Connections go to `target` from now on; those that there are end.
  void SetTarget(std::uint16_t target);

  /// What the target says reaches the client after `delay`, counted from when it was read. What
  /// waits already waits for the new one.
  void SetDelay(absl::Duration delay);

 private:
  struct Link {
    int client = -1;
    int server = -1;
    std::thread up, down;
  };

  void Accept();
  void Pump(int from, int to, bool delayed);
  void WaitForDelay();
  void EndLinks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_{false};
  Mutex mutex_;
  CondVar changed_;
  std::uint16_t target_ ABSL_GUARDED_BY(mutex_);
  absl::Duration delay_ ABSL_GUARDED_BY(mutex_);
  /// Those that have ended stay: their sockets are closed when nobody can mean them any more.
  std::list<Link> links_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_TESTING_TCP_PROXY_H_
