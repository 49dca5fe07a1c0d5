// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_HTTP_LOOPBACK_SERVER_H_
#define TOKENSVC_TESTS_SERVICE_HTTP_LOOPBACK_SERVER_H_

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// A server on 127.0.0.1 that does to each connection what a test says, byte by byte, well or
/// badly.
class LoopbackServer {
 public:
  /// One connection, seen from the server. Blocking; used by the connection's own thread.
  class Peer {
   public:
    /// The next request, head and body, or nothing when the client has gone.
    std::optional<std::string> ReadRequest();
    /// False when the client has gone.
    bool Write(absl::string_view bytes);
    /// Closes with a TCP reset.
    void Reset();
    /// Blocks until the client has gone (or the server ends).
    void WaitForEnd();
    /// The common name in the certificate that the client showed; empty: none.
    std::string ClientName() const;

   private:
    friend class LoopbackServer;
    int Read(char* data, int size);

    LoopbackServer* server = nullptr;
    int fd = -1;
    SSL* ssl = nullptr;
    std::string buffered;
  };
  using Script = std::function<void(Peer&)>;

  /// PEM files make it a TLS server, of at most `max_tls_version` (0: the newest).
  struct Tls {
    std::string certificate_file, key_file;
    int max_tls_version = 0;
    /// Not empty: asks for a client certificate, and refuses one of another authority.
    std::string client_ca_file = {};
  };

  explicit LoopbackServer(Script script, std::optional<Tls> tls = std::nullopt);
  ~LoopbackServer();

  /// Answers every request of a connection with what `answer` makes of it.
  static Script Answering(std::function<std::string(const std::string& request)> answer);

  int port() const { return port_; }
  std::string Url(absl::string_view path = "/", absl::string_view host = "127.0.0.1") const;
  /// TCP connections accepted, and requests read, until now.
  int connections() const { return connections_; }
  int requests() const { return requests_; }

 private:
  void Accept();
  void Serve(int fd);

  const Script script_;
  SSL_CTX* tls_ = nullptr;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  bool ending_ = false;
  std::set<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// An answer in HTTP/1.1 with a Content-Length.
std::string Answer(absl::string_view status, absl::string_view body,
                   absl::string_view more_headers = "");

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_SERVICE_HTTP_LOOPBACK_SERVER_H_
