// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_REDIS_FAKE_REDIS_H_
#define TOKENSVC_TESTS_CACHE_REDIS_FAKE_REDIS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace tokensvc::testing {

/// A server on 127.0.0.1 that answers each command with what a test says, well or badly.
class FakeRedis {
 public:
  using Command = std::vector<std::string>;
  struct Answer {
    std::string bytes;             ///< As they go over the wire.
    bool then_close = false;       ///< Ends the connection after them.
    bool in_single_bytes = false;  ///< Each byte is a segment of its own.
  };
  using Script = std::function<Answer(const Command& command)>;

  /// `script` runs on the connections' threads, several at a time.
  explicit FakeRedis(Script script);
  ~FakeRedis();

  /// What a healthy server answers to the handshake and to TIME; empty for other commands.
  static std::string Greeting(const Command& command);
  /// `Greeting`, and `answer` for what it does not know.
  static Script Healthy(Script answer);

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  /// All commands of all connections so far.
  std::vector<Command> commands() const;

 private:
  void Accept();
  void Serve(int fd);

  const Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> ending_{false};
  mutable Mutex mutex_;
  std::vector<Command> commands_ ABSL_GUARDED_BY(mutex_);
  std::set<int> open_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_REDIS_FAKE_REDIS_H_
