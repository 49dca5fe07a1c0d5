// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_REDIS_REDIS_SERVER_H_
#define TOKENSVC_TESTS_CACHE_REDIS_REDIS_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tokensvc::testing {

/// A port of 127.0.0.1 that nobody listens on now.
std::uint16_t FreePort();

/// A redis-server of its own on 127.0.0.1, with a temporary directory, that ends with this object.
class RedisServer {
 public:
  struct Options {
    /// PEM files: TLS on `tls_port()`, and clients must show a certificate of that CA.
    std::string ca_file, certificate_file, key_file;
    /// Lines of an ACL file; empty: the default user may do everything.
    std::vector<std::string> acl;
    /// More arguments, as on the command line.
    std::vector<std::string> arguments;
  };

  static bool Installed();

  RedisServer();
  /// Aborts the test program if the server does not answer within 20 seconds.
  explicit RedisServer(Options options);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::uint16_t tls_port() const { return tls_port_; }
  /// Temporary; for files of the test, too.
  const std::string& directory() const { return directory_; }

  /// SIGKILL.
  void Kill();
  /// Starts it again, on the same ports, and waits until it answers.
  void Restart();
  /// SIGSTOP and SIGCONT.
  void Pause();
  void Resume();

  /// Sends one command as an administrator, on the port without TLS, and returns the reply as text:
  /// elements of arrays one per line, nil as "(nil)", errors as they are.
  std::string Command(const std::vector<std::string>& arguments) const;

  /// What MONITOR shows while `work` runs.
  std::vector<std::string> Monitor(const std::function<void()>& work) const;

  /// How often a command was executed (`INFO commandstats`), administrators' included.
  int Calls(const std::string& command) const;

 private:
  void Start();
  bool Answers() const;

  const Options options_;
  const std::uint16_t port_;
  const std::uint16_t tls_port_;
  std::string directory_;
  pid_t process_ = -1;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_REDIS_REDIS_SERVER_H_
