// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/numbers.h"
#include "gmock/gmock.h"
#include "tests/service/rpc/listener_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;

class ListenerTest : public ListenerFixture {
 protected:
  Listener::Options OnSocket(mode_t mode = 0600) {
    Listener::Options options;
    options.name = "main";
    options.unix_socket = {folder_.Path("socket"), mode};
    return options;
  }

  /// A socket at the path as a process that crashed leaves it; `listening`: as one that lives.
  int BindSocket(bool listening) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_.Path("socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    if (listening) {
      EXPECT_EQ(::listen(fd, 1), 0);
    }
    return fd;
  }
};

TEST_F(ListenerTest, LetsInWhoseCertificateItsAuthoritySigned) {
  StartTls();
  const CertificateFiles worker = Client(*a_, "worker");
  const WhoAnswer answer = Ask(Connect(&worker));
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.caller, "spiffe://prod.example/worker");
}

TEST_F(ListenerTest, RefusesOthersAtTheHandshake) {
  StartTls();
  const CertificateFiles stranger = Client(*b_, "stranger");
  const CertificateFiles expired = Client(*a_, "expired", Validity::kExpired);
  const CertificateFiles early = Client(*a_, "early", Validity::kNotYetValid);
  const CertificateFiles server = *a_->IssueServer("other-server");
  const CertificateFiles* const none = nullptr;
  for (const CertificateFiles* files : {none, &stranger, &expired, &early, &server}) {
    const WhoAnswer answer = Ask(Connect(files));
    EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE)
        << (files == nullptr ? "no certificate" : files->certificate);
    EXPECT_EQ(answer.peer, "") << "the handler must not see the call";
  }
}

TEST_F(ListenerTest, AsksForNoCertificateWithoutAClientAuthority) {
  ListenerCertificates::Options files = Files();
  files.client_ca_file.clear();
  auto loaded = ListenerCertificates::Load(files, {clock_, logger_, metrics_});
  ASSERT_TRUE(loaded.ok());
  Listener::Options options;
  options.address = "127.0.0.1:0";
  options.tls = (*loaded)->credentials();
  Start(options);
  EXPECT_EQ(Ask(Connect(nullptr)).caller, "nobody");
  EXPECT_FALSE(Ask(Open(grpc::InsecureChannelCredentials())).status.ok());
}

TEST_F(ListenerTest, ConnectionsEndAtTheirAgeAndNoCallFails) {
  Listener::Options options;
  options.max_connection_age = absl::Milliseconds(200);
  StartTls(options);
  const CertificateFiles worker = Client(*a_, "worker");
  const Channel channel = Connect(&worker);
  const std::string first = Ask(channel).peer;
  const absl::Time end = absl::Now() + absl::Seconds(20);
  std::string now = first;
  while (now == first && absl::Now() < end) {
    const WhoAnswer answer = Ask(channel);
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    now = answer.peer;
  }
  EXPECT_NE(now, first);
}

TEST_F(ListenerTest, DropsWhoDoesNotFinishTheHandshake) {
  Listener::Options options;
  options.handshake_timeout = absl::Milliseconds(100);
  StartTls(options);
  const std::string bound = listener_->bound_address();
  int port = 0;
  ASSERT_TRUE(absl::SimpleAtoi(bound.substr(bound.rfind(':') + 1), &port));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  char byte;
  const ssize_t got = ::recv(fd, &byte, 1, 0);
  EXPECT_TRUE(got == 0 || (got < 0 && errno == ECONNRESET)) << got << " errno " << errno;
  ::close(fd);
}

TEST_F(ListenerTest, AUnixSocketHasItsModeAndGoesWithTheListener) {
  const std::string path = folder_.Path("socket");
  for (const mode_t mode : {mode_t{0600}, mode_t{0660}}) {
    Start(OnSocket(mode));
    EXPECT_EQ(listener_->bound_address(), "unix:" + path);
    struct stat file = {};
    ASSERT_EQ(::lstat(path.c_str(), &file), 0);
    EXPECT_TRUE(S_ISSOCK(file.st_mode));
    EXPECT_EQ(file.st_mode & 0777, mode);
    EXPECT_EQ(Ask(Open(grpc::InsecureChannelCredentials())).caller, "nobody");
    listener_.reset();
    EXPECT_NE(::lstat(path.c_str(), &file), 0);
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_NE(mask, 0177u) << "the process's own mask is back";
}

TEST_F(ListenerTest, ASocketThatWasLeftBehindIsReplaced) {
  ::close(BindSocket(/*listening=*/false));
  Start(OnSocket());
  EXPECT_TRUE(Ask(Open(grpc::InsecureChannelCredentials())).status.ok());
}

TEST_F(ListenerTest, ASocketThatSomebodyListensOnIsLeftAlone) {
  const int fd = BindSocket(/*listening=*/true);
  const auto started = Listener::Start(OnSocket(), service_);
  EXPECT_EQ(started.status().code(), absl::StatusCode::kAlreadyExists);
  struct stat file = {};
  EXPECT_EQ(::lstat(folder_.Path("socket").c_str(), &file), 0);
  ::close(fd);
}

TEST_F(ListenerTest, WhateverElseLiesAtTheSocketsPathIsLeftAlone) {
  folder_.Write("socket", "precious");
  const auto started = Listener::Start(OnSocket(), service_);
  EXPECT_EQ(started.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(started.status().message()), HasSubstr("no socket"));
  EXPECT_EQ(ReadText(folder_.Path("socket")), "precious");
}

TEST_F(ListenerTest, AFolderThatIsNotThereIsAClearError) {
  Listener::Options options = OnSocket();
  options.unix_socket->path = folder_.Path("none/socket");
  const auto started = Listener::Start(options, service_);
  EXPECT_THAT(std::string(started.status().message()), HasSubstr("is its folder there"));
}

}  // namespace
}  // namespace tokensvc::testing
