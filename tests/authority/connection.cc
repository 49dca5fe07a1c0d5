// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/connection.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tokensvc::devauth {

Connection::Connection(int socket, SSL_CTX* tls)
    : socket_(socket), ssl_(tls == nullptr ? nullptr : SSL_new(tls), &SSL_free) {
  // Head and body go out in two writes; Nagle would hold the second for the client's delayed ACK.
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (ssl_ != nullptr) SSL_set_fd(ssl_.get(), socket_);
}

Connection::~Connection() {
  if (cut_) {
    // A zero linger time turns the close into an RST.
    const linger none = {1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
  } else if (ssl_ != nullptr && SSL_is_init_finished(ssl_.get())) {
    SSL_shutdown(ssl_.get());
  }
  ERR_clear_error();
  ::close(socket_);
}

bool Connection::Handshake() { return ssl_ == nullptr || SSL_accept(ssl_.get()) == 1; }

bool Connection::WaitReadable(int timeout_ms) const {
  if (begin_ < end_ || (ssl_ != nullptr && SSL_pending(ssl_.get()) > 0)) return true;
  pollfd entry = {socket_, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&entry, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

bool Connection::PeerGone() const {
  pollfd entry = {socket_, POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

ssize_t Connection::Receive(char* out, size_t size) {
  if (ssl_ != nullptr) return SSL_read(ssl_.get(), out, static_cast<int>(size));
  ssize_t got = 0;
  do {
    got = ::recv(socket_, out, size, 0);
  } while (got < 0 && errno == EINTR);
  return got;
}

ssize_t Connection::Send(const char* data, size_t size) {
  if (ssl_ != nullptr) return SSL_write(ssl_.get(), data, static_cast<int>(size));
  ssize_t sent = 0;
  do {
    sent = ::send(socket_, data, size, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t Connection::read(char* out, size_t size) {
  if (begin_ == end_) {  // the library reads heads byte by byte
    const ssize_t got = Receive(buffer_.data(), buffer_.size());
    if (got <= 0) return got;
    begin_ = 0;
    end_ = static_cast<size_t>(got);
  }
  const size_t taken = std::min(size, end_ - begin_);
  std::memcpy(out, buffer_.data() + begin_, taken);
  begin_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t Connection::write(const char* data, size_t size) {
  size_t allowed = size;
  if (budget_) {
    allowed = std::min(size, *budget_);
    *budget_ -= allowed;
  }
  for (size_t done = 0; done < allowed;) {
    const ssize_t sent = Send(data + done, allowed - done);
    if (sent <= 0) return -1;
    done += static_cast<size_t>(sent);
  }
  if (allowed < size || budget_ == size_t{0}) cut_ = true;
  return cut_ ? -1 : static_cast<ssize_t>(size);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = "127.0.0.1";  // nothing here depends on who calls
  port = 0;
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip = "127.0.0.1";
  port = 0;
}

}  // namespace tokensvc::devauth
