// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/http_server.h"

#include <httplib.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tests/authority/connection.h"
#include "tests/authority/worker_threads.h"

namespace tokensvc::devauth {
namespace {

constexpr size_t kMaxConnections = 2048;
constexpr int kListenBacklog = 1024;
constexpr int kIdleTimeoutMs = 300'000;
// A token endpoint's answer of a hostile size, as text: a string that goes on and on.
constexpr absl::string_view kGeneratedHead = "{\"access_token\":\"";
constexpr absl::string_view kGeneratedTail = "\"}";

// The handler runs on its connection's thread.
thread_local Connection* current_connection = nullptr;

HttpRequest ToRequest(const httplib::Request& from) {
  HttpRequest out;
  out.method = from.method;
  const size_t question = from.target.find('?');
  out.path = from.target.substr(0, question);
  if (question != std::string::npos) out.query = from.target.substr(question + 1);
  for (const auto& [name, value] : from.headers) {
    const std::string lower = absl::AsciiStrToLower(name);
    const bool single = lower == "authorization" || lower == "content-type" ||
                        lower == "content-length" || lower == "host";
    if (!out.headers.emplace(lower, value).second && single) out.repeated_header = true;
  }
  // Added by the library, never sent.
  for (const char* name : {"remote_addr", "remote_port", "local_addr", "local_port"}) {
    out.headers.erase(name);
  }
  Connection* connection = current_connection;
  out.client_gone = [connection] { return connection->PeerGone(); };
  return out;
}

bool Generate(size_t total, size_t offset, httplib::DataSink& sink) {
  if (offset >= total) {
    sink.done();
    return true;
  }
  const size_t tail_at = total - std::min(total, kGeneratedTail.size());
  std::string chunk;
  for (size_t at = offset; at < total && chunk.size() < 16'384; ++at) {
    if (at < kGeneratedHead.size()) {
      chunk.push_back(kGeneratedHead[at]);
    } else {
      chunk.push_back(at >= tail_at ? kGeneratedTail[at - tail_at] : 'a');
    }
  }
  return sink.write(chunk.data(), chunk.size());
}

void WriteReply(const HttpReply& reply, httplib::Response& out) {
  out.status = reply.status;
  for (const auto& [name, value] : reply.headers) out.set_header(name, value);
  if (reply.reset_after_bytes) current_connection->ResetAfter(*reply.reset_after_bytes);
  if (reply.generated_bytes) {
    const size_t total = *reply.generated_bytes;
    out.set_chunked_content_provider(
        reply.content_type,
        [total](size_t offset, httplib::DataSink& sink) { return Generate(total, offset, sink); });
  } else if (!reply.body.empty()) {
    out.set_content(reply.body, reply.content_type);
  }
}

using SslContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

absl::StatusOr<SslContext> MakeTls(const HttpServer::Options& options) {
  SslContext context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // An expired or foreign certificate is served as it is: tests ask for that.
  const bool good = SSL_CTX_use_certificate_chain_file(context.get(),
                                                       options.tls_certificate_file.c_str()) == 1 &&
                    SSL_CTX_use_PrivateKey_file(context.get(), options.tls_private_key_file.c_str(),
                                                SSL_FILETYPE_PEM) == 1 &&
                    SSL_CTX_check_private_key(context.get()) == 1;
  ERR_clear_error();
  if (!good) return absl::InvalidArgumentError("the TLS certificate and key cannot be used");
  return context;
}

}  // namespace

class HttpServer::Impl : public httplib::Server {
 public:
  Impl(const HttpServer::Options& options, SslContext tls) : tls_(std::move(tls)) {
    new_task_queue = [] { return new WorkerThreads(kMaxConnections); };
    set_payload_max_length(options.max_body_bytes);
    const auto plain = [this](const httplib::Request& request, httplib::Response& response) {
      WriteReply(handler_(ToRequest(request)), response);
    };
    // Bodies are read here rather than by the library, which caps forms at 8 KiB and would decode
    // them leniently.
    const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                  const httplib::ContentReader& read) {
      HttpRequest converted = ToRequest(request);
      if (!read([&converted](const char* data, size_t size) {
            converted.body.append(data, size);
            return true;
          })) {
        return;  // too large or cut off; the library has set the status
      }
      WriteReply(handler_(converted), response);
    };
    Get(".*", plain);
    Options(".*", plain);
    Post(".*", with_body);
    Put(".*", with_body);
    Patch(".*", with_body);
    Delete(".*", plain);
  }

  absl::Status BindTo(const HttpServer::Options& options) {
    const bool bound = options.port == 0 ? (port_ = bind_to_any_port(options.address)) > 0
                                         : bind_to_port(options.address, port_ = options.port);
    if (!bound) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", options.address, " port ", options.port));
    }
    // The library's backlog of 5 drops connections of a burst, which then wait a second.
    ::listen(svr_sock_, kListenBacklog);
    return absl::OkStatus();
  }

  void Serve(HttpServer::Handler handler) {
    handler_ = std::move(handler);
    acceptor_ = std::thread([this] { listen_after_bind(); });
  }

  void Shutdown() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
      for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    // Not stop(), which closes a socket that the acceptor may be about to use: accept() fails on
    // one that is shut down, and the acceptor then closes it itself.
    if (acceptor_.joinable()) {
      ::shutdown(svr_sock_, SHUT_RDWR);
      acceptor_.join();
    } else {
      ::close(svr_sock_);
    }
  }

  int bound_port() const { return port_; }

  ConnectionCounts counts() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return counts_;
  }

  void ResetCounts() {
    const std::lock_guard<std::mutex> lock(mutex_);
    counts_.peak = counts_.open;
    counts_.accepted = 0;
  }

 private:
  bool Enter(int socket) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return false;
    sockets_.insert(socket);
    ++counts_.accepted;
    counts_.peak = std::max(counts_.peak, ++counts_.open);
    return true;
  }

  void Leave(int socket) {
    const std::lock_guard<std::mutex> lock(mutex_);
    sockets_.erase(socket);
    --counts_.open;
  }

  bool process_and_close_socket(socket_t socket) override {
    Connection connection(socket, tls_.get());
    if (!Enter(socket)) return false;
    current_connection = &connection;
    bool served = connection.Handshake();
    bool closing = false;
    while (served && !closing && !connection.cut() && connection.WaitReadable(kIdleTimeoutMs)) {
      served = process_request(connection, /*close_connection=*/false, closing, nullptr);
    }
    current_connection = nullptr;
    Leave(socket);  // before the destructor closes it and the number can come again
    return served;
  }

  const SslContext tls_;
  HttpServer::Handler handler_;
  int port_ = 0;
  std::thread acceptor_;
  mutable std::mutex mutex_;
  std::set<int> sockets_;
  ConnectionCounts counts_;
  bool stopping_ = false;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Bind(const Options& options) {
  SslContext tls(nullptr, &SSL_CTX_free);
  if (!options.tls_certificate_file.empty() || !options.tls_private_key_file.empty()) {
    absl::StatusOr<SslContext> made = MakeTls(options);
    if (!made.ok()) return made.status();
    tls = *std::move(made);
  }
  auto impl = std::make_unique<Impl>(options, std::move(tls));
  if (absl::Status status = impl->BindTo(options); !status.ok()) return status;
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { impl_->Shutdown(); }
int HttpServer::port() const { return impl_->bound_port(); }
void HttpServer::Serve(Handler handler) { impl_->Serve(std::move(handler)); }
HttpServer::ConnectionCounts HttpServer::connections() const { return impl_->counts(); }
void HttpServer::ResetConnectionCounts() { impl_->ResetCounts(); }

}  // namespace tokensvc::devauth
