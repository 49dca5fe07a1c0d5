// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <string>

#include "asio/post.hpp"
#include "tests/cache/redis/redis_harness.h"
#include "tests/cache/redis/redis_server.h"
#include "tests/service/http/local_certificates.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;

// A server that names itself `names`, and wants a certificate of the same authority.
class RedisTlsTest : public ::testing::Test {
 protected:
  RedisServer::Options ServerOptions(const std::string& names) {
    const auto certificate = authority_.Issue(names, absl::Hours(1));
    RedisServer::Options options;
    options.ca_file = authority_.ca_file();
    options.certificate_file = certificate.certificate_file;
    options.key_file = certificate.key_file;
    return options;
  }

  RedisOptions ClientOptions(const RedisServer& server) {
    RedisOptions options = PatientOptions(server.tls_port());
    options.tls.emplace();
    options.tls->ca_file = authority_.ca_file();
    const auto own = authority_.Issue("DNS:client", absl::Hours(1));
    options.tls->certificate_file = own.certificate_file;
    options.tls->private_key_file = own.key_file;
    return options;
  }

  // Why a client with these options has no connection.
  static absl::Status Refusal(const RedisOptions& options) {
    RedisHarness harness(options);
    EXPECT_TRUE(harness.Eventually([&] { return !harness.health.last_error().ok(); }));
    EXPECT_TRUE(harness.health.degraded());
    return harness.health.last_error();
  }

  LocalAuthority authority_;
};

TEST_F(RedisTlsTest, ConnectsToTheAddressThatTheCertificateNames) {
  RedisServer server(ServerOptions("IP:127.0.0.1"));
  RedisHarness harness(ClientOptions(server));
  ASSERT_TRUE(harness.WaitUntilConnected()) << harness.health.last_error();
  EXPECT_TRUE(harness.GetSucceeds());
}

TEST_F(RedisTlsTest, ConnectsToTheServerNameThatTheCertificateNames) {
  RedisServer server(ServerOptions("DNS:redis.example"));
  RedisOptions options = ClientOptions(server);
  options.tls->server_name = "redis.example";
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected()) << harness.health.last_error();
}

TEST_F(RedisTlsTest, LooksAHostNameUp) {
  RedisServer server(ServerOptions("DNS:localhost"));
  RedisOptions options = ClientOptions(server);
  options.host = "localhost";
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected()) << harness.health.last_error();
}

TEST_F(RedisTlsTest, RefusesACertificateOfAnotherName) {
  RedisServer server(ServerOptions("DNS:other.example"));
  EXPECT_EQ(Refusal(ClientOptions(server)).code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(RedisTlsTest, RefusesACertificateOfAnotherAuthority) {
  RedisServer server(ServerOptions("IP:127.0.0.1"));
  const LocalAuthority other;
  RedisOptions options = ClientOptions(server);
  options.tls->ca_file = other.ca_file();
  EXPECT_EQ(Refusal(options).code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(RedisTlsTest, AServerThatWantsOurCertificateRefusesUsWithoutOne) {
  RedisServer server(ServerOptions("IP:127.0.0.1"));
  RedisOptions options = ClientOptions(server);
  options.tls->certificate_file.clear();
  options.tls->private_key_file.clear();
  EXPECT_EQ(Refusal(options).code(), absl::StatusCode::kUnavailable);
}

TEST_F(RedisTlsTest, ATlsClientAtAPortWithoutTlsIsRefused) {
  RedisServer server(ServerOptions("IP:127.0.0.1"));
  RedisOptions options = ClientOptions(server);
  options.port = server.port();
  options.connect_timeout = absl::Milliseconds(200);
  EXPECT_FALSE(Refusal(options).ok());
}

TEST_F(RedisTlsTest, AFileThatCannotBeUsedIsNamedByItsUse) {
  RedisServer server(ServerOptions("IP:127.0.0.1"));
  RedisOptions options = ClientOptions(server);
  options.tls->ca_file = "/nonexistent/canary";
  const absl::Status status = Refusal(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "the CA file for Redis cannot be used");
  options = ClientOptions(server);
  options.tls->private_key_file = authority_.ca_file();
  EXPECT_THAT(std::string(Refusal(options).message()), HasSubstr("client certificate's key"));
}

TEST_F(RedisTlsTest, AFileThatIsMendedIsReadForTheNextConnection) {
  RedisServer server(ServerOptions("IP:127.0.0.1"));
  RedisOptions options = ClientOptions(server);
  const std::string file = server.directory() + "/ca-later.pem";
  options.tls->ca_file = file;
  RedisHarness harness(options);
  EXPECT_TRUE(harness.Eventually([&] { return !harness.health.last_error().ok(); }));
  std::filesystem::copy_file(authority_.ca_file(), file);
  EXPECT_TRUE(harness.WaitUntilConnected()) << harness.health.last_error();
}

// A file that takes long to read, here a pipe that nobody has written to yet, holds up nobody else.
TEST_F(RedisTlsTest, FilesAreNotReadOnTheLoop) {
  RedisServer server(ServerOptions("IP:127.0.0.1"));
  RedisOptions options = ClientOptions(server);
  const std::string pipe = server.directory() + "/ca.pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  options.tls->ca_file = pipe;
  std::ostringstream ca;
  ca << std::ifstream(authority_.ca_file()).rdbuf();
  RedisHarness harness(options);
  int file = -1;
  // Possible as soon as somebody reads.
  ASSERT_TRUE(RedisHarness::Eventually(
      [&] { return (file = open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0; }));
  std::promise<void> ran;
  asio::post(harness.loop.context(), [&] { ran.set_value(); });
  const bool loop_is_free =
      ran.get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready;
  EXPECT_EQ(write(file, ca.str().data(), ca.str().size()), static_cast<ssize_t>(ca.str().size()));
  close(file);
  EXPECT_TRUE(loop_is_free);
  EXPECT_TRUE(harness.WaitUntilConnected()) << harness.health.last_error();
}

}  // namespace
}  // namespace tokensvc::testing
