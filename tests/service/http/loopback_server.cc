// SPDX-License-Identifier: Apache-2.0
#include "tests/service/http/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tokensvc {

LoopbackServer::LoopbackServer(Script script, std::optional<Tls> tls) : script_(std::move(script)) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  if (tls.has_value()) {
    tls_ = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(tls_, tls->certificate_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_, tls->key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      std::abort();
    }
    if (!tls->client_ca_file.empty()) {
      const unsigned char context[] = "tokensvc";  // without one no session is resumed
      SSL_CTX_set_session_id_context(tls_, context, sizeof(context));
      SSL_CTX_set_verify(tls_, SSL_VERIFY_PEER, nullptr);
      if (SSL_CTX_load_verify_locations(tls_, tls->client_ca_file.c_str(), nullptr) != 1) {
        std::abort();
      }
    }
    SSL_CTX_set_max_proto_version(tls_, tls->max_tls_version);
    if (tls->max_tls_version != 0) {
      // OpenSSL 3 speaks old versions at security level 0 only.
      SSL_CTX_set_min_proto_version(tls_, tls->max_tls_version);
      SSL_CTX_set_security_level(tls_, 0);
    }
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 1024) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

LoopbackServer::~LoopbackServer() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
    for (int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
  SSL_CTX_free(tls_);
}

void LoopbackServer::Accept() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    std::lock_guard<std::mutex> lock(mutex_);
    if (ending_) {
      ::close(fd);
      return;
    }
    ++connections_;
    open_.insert(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void LoopbackServer::Serve(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  Peer peer;
  peer.server = this;
  peer.fd = fd;
  if (tls_ != nullptr) {
    peer.ssl = SSL_new(tls_);
    SSL_set_fd(peer.ssl, fd);
  }
  if (peer.ssl == nullptr || SSL_accept(peer.ssl) == 1) script_(peer);
  if (peer.ssl != nullptr) SSL_shutdown(peer.ssl);
  SSL_free(peer.ssl);
  std::lock_guard<std::mutex> lock(mutex_);
  open_.erase(fd);
  ::close(fd);
}

LoopbackServer::Script LoopbackServer::Answering(
    std::function<std::string(const std::string&)> answer) {
  return [answer = std::move(answer)](Peer& peer) {
    while (const std::optional<std::string> request = peer.ReadRequest()) {
      if (!peer.Write(answer(*request))) return;
    }
  };
}

std::string LoopbackServer::Url(absl::string_view path, absl::string_view host) const {
  return absl::StrCat(tls_ == nullptr ? "http://" : "https://", host, ":", port_, path);
}

int LoopbackServer::Peer::Read(char* data, int size) {
  if (ssl != nullptr) return SSL_read(ssl, data, size);
  return static_cast<int>(::recv(fd, data, static_cast<std::size_t>(size), 0));
}

std::optional<std::string> LoopbackServer::Peer::ReadRequest() {
  char chunk[4096];
  for (;;) {
    const std::size_t end = buffered.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::size_t body = 0;
      const std::string head =
          absl::AsciiStrToLower(absl::string_view(buffered).substr(0, end + 2));
      const std::size_t at = head.find("\r\ncontent-length:");
      if (at != std::string::npos) {
        const std::size_t from = at + 17;
        if (!absl::SimpleAtoi(head.substr(from, head.find("\r\n", from) - from), &body)) return {};
      }
      if (buffered.size() >= end + 4 + body) {
        std::string request = buffered.substr(0, end + 4 + body);
        buffered.erase(0, request.size());
        ++server->requests_;
        return request;
      }
    }
    const int got = Read(chunk, sizeof(chunk));
    if (got <= 0) return std::nullopt;
    buffered.append(chunk, static_cast<std::size_t>(got));
  }
}

std::string LoopbackServer::Peer::ClientName() const {
  X509* const certificate = SSL_get1_peer_certificate(ssl);
  if (certificate == nullptr) return "";
  char name[64] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  X509_free(certificate);
  return name;
}

bool LoopbackServer::Peer::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const int wrote = ssl != nullptr
                          ? SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()))
                          : static_cast<int>(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

// Lingering for no time turns the close that follows into a reset.
void LoopbackServer::Peer::Reset() {
  const linger none{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

void LoopbackServer::Peer::WaitForEnd() {
  char chunk[4096];
  while (Read(chunk, sizeof(chunk)) > 0) {
  }
}

std::string Answer(absl::string_view status, absl::string_view body, absl::string_view more) {
  return absl::StrCat("HTTP/1.1 ", status, "\r\nContent-Length: ", body.size(), "\r\n", more,
                      "\r\n", body);
}

}  // namespace tokensvc
