// SPDX-License-Identifier: Apache-2.0
// Against a server that is not ours: nginx, whose every answer names its protocol and connection.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "service/http/curl_http_transport.h"
#include "tests/service/http/local_certificates.h"
#include "tests/service/http/transport_harness.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;

constexpr char kNginx[] = "/usr/sbin/nginx";

// A port that nobody listens on; -1 if none.
int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool ok = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  ::close(fd);
  return ok ? ntohs(address.sin_port) : -1;
}

class Nginx {
 public:
  Nginx(const LoopbackServer::Tls& tls, int requests_per_connection) : port_(FreePort()) {
    std::string directory = std::filesystem::temp_directory_path() / "nginx-test-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) return;
    directory_ = directory;
    std::ofstream(directory_ + "/nginx.conf")
        << "daemon off; master_process off; pid " << directory_ << "/pid; error_log stderr crit;\n"
        << "events {}\nhttp { access_log off; keepalive_requests " << requests_per_connection
        << ";\n"
        << "client_body_temp_path " << directory_ << "; proxy_temp_path " << directory_
        << "; fastcgi_temp_path " << directory_ << "; uwsgi_temp_path " << directory_
        << "; scgi_temp_path " << directory_ << ";\nserver { listen 127.0.0.1:" << port_
        << " ssl http2; ssl_certificate " << tls.certificate_file << "; ssl_certificate_key "
        << tls.key_file << ";\nlocation / { return 200 \"$server_protocol $connection\"; } } }\n";
    std::string config = directory_ + "/nginx.conf", prefix = directory_;
    std::string name = kNginx, c = "-c", p = "-p", e = "-e", log = "stderr";
    char* arguments[] = {name.data(), p.data(), prefix.data(), e.data(),
                         log.data(),  c.data(), config.data(), nullptr};
    if (::posix_spawn(&process_, kNginx, nullptr, nullptr, arguments, environ) != 0) process_ = -1;
  }
  ~Nginx() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  }

  std::string Url() const { return absl::StrCat("https://127.0.0.1:", port_, "/"); }

 private:
  const int port_;
  std::string directory_;
  pid_t process_ = -1;
};

// What a thousand requests at once came to.
struct Outcome {
  int answered = 0;
  std::set<std::string> protocols, connections;
};

Outcome SendBurst(bool http2, int requests_per_connection) {
  LocalAuthority authority;
  Nginx nginx(authority.Issue("IP:127.0.0.1", absl::Hours(1)), requests_per_connection);
  TransportHarness harness(
      {.max_connections_per_host = 2, .http2 = http2, .max_concurrent_streams = 50});
  auto request = [&] {
    HttpRequest result = Get(nginx.Url());
    result.ca_file = authority.ca_file();
    // GET: libcurl 7.88 fails a POST over HTTP/2 now and then (CurlHttpTransport::Options::http2).
    if (!http2) {
      result.method = HttpRequest::Method::kPost;
      result.body = Secret::CopyOf("grant_type=client_credentials");
    }
    return result;
  };
  for (int i = 0; i < 1000 && !harness.Send(request()).ok(); ++i) {
    absl::SleepFor(absl::Milliseconds(10));  // until it listens
  }
  Outcome outcome;
  std::vector<std::future<TransportHarness::Result>> futures;
  for (int i = 0; i < 1000; ++i) futures.push_back(harness.Start(request()));
  for (auto& future : futures) {
    const auto response = future.get();
    if (!response.ok() || response->status != 200) continue;
    ++outcome.answered;
    const std::pair<std::string, std::string> words =
        absl::StrSplit(std::string(response->body.Reveal()), ' ');
    outcome.protocols.insert(words.first);
    outcome.connections.insert(words.second);
  }
  return outcome;
}

class NginxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access(kNginx, X_OK) != 0) GTEST_SKIP() << kNginx << " is not installed";
  }
};

TEST_F(NginxTest, NoRequestIsLostWhenTheServerRetiresConnections) {
  const Outcome outcome = SendBurst(false, 100);
  EXPECT_EQ(outcome.answered, 1000);
  EXPECT_THAT(outcome.protocols, ElementsAre("HTTP/1.1"));
  EXPECT_GE(outcome.connections.size(), 10u);
}

// Here the server keeps its connections: with libcurl 7.88 a GOAWAY fails requests.
TEST_F(NginxTest, Http2SharesConnections) {
  const Outcome outcome = SendBurst(true, 100'000);
  EXPECT_EQ(outcome.answered, 1000);
  EXPECT_THAT(outcome.protocols, ElementsAre("HTTP/2.0"));
  EXPECT_LE(outcome.connections.size(), 2u);
}

}  // namespace
}  // namespace tokensvc
