// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_CONNECTION_H_
#define TOKENSVC_TESTS_AUTHORITY_CONNECTION_H_

#include <httplib.h>
#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace tokensvc::devauth {

/// One accepted connection, plain or TLS, as cpp-httplib reads and writes it. Ours rather than the
/// library's so that a fault can cut or reset it and so that stopping need not wait for idle
/// clients. Used by one thread; owns the socket.
class Connection : public httplib::Stream {
 public:
  /// Takes over `socket`. `tls` may be null: plain TCP.
  Connection(int socket, SSL_CTX* tls);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The TLS handshake where there is TLS; false where it fails.
  bool Handshake();
  /// Waits for the next request's first byte; false on end, error or after `timeout_ms`.
  bool WaitReadable(int timeout_ms) const;
  /// True once the client has closed or reset its side.
  bool PeerGone() const;
  /// From here on `bytes` more go out, then the connection is reset.
  void ResetAfter(size_t bytes) { budget_ = bytes; }
  bool cut() const { return cut_; }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return !cut_; }
  ssize_t read(char* out, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  ssize_t Receive(char* out, size_t size);
  ssize_t Send(const char* data, size_t size);

  const int socket_;
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::array<char, 8192> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::optional<size_t> budget_;
  bool cut_ = false;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_CONNECTION_H_
