// SPDX-License-Identifier: Apache-2.0
#include "tests/testing/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/time/clock.h"

namespace tokensvc::testing {
namespace {

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int NewSocket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) std::abort();
  return fd;
}

void SendAtOnce(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

TcpProxy::TcpProxy(std::uint16_t target) : listener_(NewSocket()), target_(target) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

TcpProxy::~TcpProxy() {
  ending_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  std::list<Link> links;
  {
    MutexLock lock(&mutex_);
    EndLinks();
    changed_.NotifyAll();
    links.swap(links_);
  }
  for (Link& link : links) {
    link.up.join();
    link.down.join();
    ::close(link.client);
    ::close(link.server);
  }
}

void TcpProxy::SetTarget(std::uint16_t target) {
  MutexLock lock(&mutex_);
  target_ = target;
  EndLinks();
}

void TcpProxy::SetDelay(absl::Duration delay) {
  MutexLock lock(&mutex_);
  delay_ = delay;
  changed_.NotifyAll();
}

void TcpProxy::EndLinks() {
  for (const Link& link : links_) {
    ::shutdown(link.client, SHUT_RDWR);
    ::shutdown(link.server, SHUT_RDWR);
  }
}

void TcpProxy::Accept() {
  while (!ending_) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int server = NewSocket();
    MutexLock lock(&mutex_);
    const sockaddr_in to = Loopback(target_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
      ::close(client);
      ::close(server);
      continue;
    }
    SendAtOnce(client);
    SendAtOnce(server);
    Link& link = links_.emplace_back();
    link.client = client;
    link.server = server;
    link.up = std::thread([this, client, server] { Pump(client, server, false); });
    link.down = std::thread([this, client, server] { Pump(server, client, true); });
  }
}

void TcpProxy::Pump(int from, int to, bool delayed) {
  char buffer[16384];
  for (;;) {
    const ssize_t size = ::recv(from, buffer, sizeof(buffer), 0);
    if (size <= 0) break;
    if (delayed) WaitForDelay();
    ssize_t sent = 0;
    while (sent < size) {
      const ssize_t more =
          ::send(to, buffer + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += more;
    }
    if (sent < size) break;
  }
  ::shutdown(from, SHUT_RDWR);
  ::shutdown(to, SHUT_RDWR);
}

void TcpProxy::WaitForDelay() {
  const absl::Time start = absl::Now();
  MutexLock lock(&mutex_);
  for (;;) {
    const absl::Duration left = start + delay_ - absl::Now();
    if (ending_ || left <= absl::ZeroDuration()) return;
    changed_.WaitFor(&mutex_, left);
  }
}

}  // namespace tokensvc::testing
