// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_HTTP_SERVER_H_
#define TOKENSVC_TESTS_AUTHORITY_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/authority/http_message.h"

namespace tokensvc::devauth {

/// An HTTP/1.1 server, plain or TLS, one thread per connection, over cpp-httplib's parser.
class HttpServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    int port = 0;  ///< 0: any free one
    std::string tls_certificate_file;
    std::string tls_private_key_file;
    size_t max_body_bytes = 1 << 20;
  };
  /// Answers a request; called by many threads at once; must not throw.
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  struct ConnectionCounts {
    int open = 0;
    int peak = 0;
    int64_t accepted = 0;
  };

  /// Binds and reads the TLS files, without accepting yet.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Bind(const Options& options);
  /// Closes all connections, idle or not, and waits for the handlers that run.
  ~HttpServer();

  int port() const;
  /// Begins to accept; once only.
  void Serve(Handler handler);
  ConnectionCounts connections() const;
  /// Sets peak to open and accepted to zero.
  void ResetConnectionCounts();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_HTTP_SERVER_H_
