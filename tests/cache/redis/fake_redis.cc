// SPDX-License-Identifier: Apache-2.0
#include "tests/cache/redis/fake_redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <utility>

namespace tokensvc::testing {
namespace {

// Takes one command off the front of `bytes`; none: it is not complete.
std::optional<FakeRedis::Command> TakeCommand(std::string& bytes) {
  std::size_t at = 0;
  const auto line = [&]() -> std::optional<std::string> {
    const std::size_t end = bytes.find("\r\n", at);
    if (end == std::string::npos) return std::nullopt;
    std::string text = bytes.substr(at, end - at);
    at = end + 2;
    return text;
  };
  const std::optional<std::string> header = line();
  if (!header.has_value()) return std::nullopt;
  FakeRedis::Command command;
  for (int left = std::atoi(header->c_str() + 1); left > 0; --left) {
    const std::optional<std::string> length_line = line();
    if (!length_line.has_value()) return std::nullopt;
    const auto length = static_cast<std::size_t>(std::atoi(length_line->c_str() + 1));
    if (bytes.size() < at + length + 2) return std::nullopt;
    command.push_back(bytes.substr(at, length));
    at += length + 2;
  }
  bytes.erase(0, at);
  return command;
}

void SendAll(int fd, const std::string& bytes, std::size_t piece) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min(piece, bytes.size() - at);
    const ssize_t sent = ::send(fd, bytes.data() + at, size, MSG_NOSIGNAL);
    if (sent <= 0) return;
    at += static_cast<std::size_t>(sent);
  }
}

}  // namespace

FakeRedis::FakeRedis(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

FakeRedis::~FakeRedis() {
  ending_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  std::vector<std::thread> threads;
  {
    MutexLock lock(&mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::string FakeRedis::Greeting(const Command& command) {
  if (command[0] == "AUTH" || command[0] == "SELECT" || command[0] == "CLIENT") return "+OK\r\n";
  if (command[0] == "PING") return "+PONG\r\n";
  if (command[0] == "ROLE") return "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
  if (command[0] == "TIME") return "*2\r\n$10\r\n1767323045\r\n$1\r\n0\r\n";
  return "";
}

FakeRedis::Script FakeRedis::Healthy(Script answer) {
  return [answer = std::move(answer)](const Command& command) {
    std::string greeting = Greeting(command);
    if (greeting.empty()) return answer(command);
    return Answer{std::move(greeting)};
  };
}

std::vector<FakeRedis::Command> FakeRedis::commands() const {
  MutexLock lock(&mutex_);
  return commands_;
}

void FakeRedis::Accept() {
  while (!ending_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ++connections_;
    MutexLock lock(&mutex_);
    open_.insert(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void FakeRedis::Serve(int fd) {
  std::string received;
  char buffer[4096];
  bool open = true;
  while (open && !ending_) {
    const ssize_t size = ::recv(fd, buffer, sizeof(buffer), 0);
    if (size <= 0) break;
    received.append(buffer, static_cast<std::size_t>(size));
    for (std::optional<Command> command; open && (command = TakeCommand(received));) {
      {
        MutexLock lock(&mutex_);
        commands_.push_back(*command);
      }
      const Answer answer = script_(*command);
      SendAll(fd, answer.bytes, answer.in_single_bytes ? 1 : answer.bytes.size());
      open = !answer.then_close;
    }
  }
  MutexLock lock(&mutex_);
  open_.erase(fd);
  ::close(fd);
}

}  // namespace tokensvc::testing
