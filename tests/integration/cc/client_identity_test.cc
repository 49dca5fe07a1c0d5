// SPDX-License-Identifier: Apache-2.0
// The C++ library and tokenctl say who they are to the real service, by client certificate, by JWT
// and by Unix socket, and their files are replaced while they run. Who the service took them for
// shows in what the policy lets them have.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/clock.h"
#include "client/tokenctl/commands.h"
#include "gmock/gmock.h"
#include "tests/integration/cc/access_fixture.h"
#include "tokensvc/authorization_header_provider.h"
#include "tokensvc/error_details.h"
#include "tokensvc/token_client.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kRules[] =
    "    - {name: some, callers: [\"spiffe://prod.example/orders\", "
    "\"spiffe://prod.example/orders-2\", \"jwt:main:orders\", \"local:sidecar\"], registrations: "
    "[orders],\n       tenants: [\"*\"], grants: [\"*\"], scopes: [\"*\"]}\n";

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class ClientIdentityTest : public AccessFixture {
 protected:
  ClientIdentityTest() { socket_ = Path("sock"); }

  void SetUp() override {
    AccessFixture::StartAuthority();
    const std::string issuers = "jwt_issuers:\n";
    StartService(absl::StrReplaceAll(
        ConfigurationWithRules(kRules),
        {{issuers,
          absl::StrCat("  - {name: jwts, address: \"127.0.0.1:0\", plaintext: {}, jwt: {issuers: "
                       "[main]}}\n  - {name: sidecar, unix_socket: {path: \"",
                       socket_,
                       "\"}, identity: sidecar}\n  - {name: socket-jwts, unix_socket: "
                       "{path: \"",
                       socket_, "-jwts\"}, jwt: {issuers: [main]}}\n", issuers)}}));
  }

  std::string AddressOf(const std::string& listener) const {
    for (const auto& [name, bound] : server_->Addresses()) {
      if (name == listener) return bound;
    }
    ADD_FAILURE() << "no listener " << listener;
    return "";
  }

  CertificateFiles Spiffe(const std::string& name) {
    return Certificate(*trusted_, name, "URI:spiffe://prod.example/" + name);
  }
  /// Puts a certificate where the clients look for theirs; the two files one after the other.
  void Show(const CertificateFiles& files) {
    WriteFile("shown.pem", Contents(files.certificate));
    WriteFile("shown.key", Contents(files.private_key));
  }
  void ShowJwt(const std::string& subject) { WriteFile("shown.jwt", Signed(ClaimsOf(subject))); }

  client::ConnectionOptions MutualTls(const std::string& listener) {
    client::ConnectionOptions options;
    options.address = AddressOf(listener);
    options.ca_file = trusted_->ca_file();
    options.certificate_file = Path("shown.pem");
    options.private_key_file = Path("shown.key");
    return options;
  }

  static client::TokenRequest Orders() {
    client::TokenRequest request;
    request.registration = "orders";
    request.scopes = {kResource};
    return request;
  }
  static absl::Status Acquire(const client::TokenClient& client) {
    return client.AcquireForClient(Orders(), absl::Seconds(30)).status();
  }
  static absl::Status Acquire(const client::ConnectionOptions& options) {
    const auto client = client::TokenClient::Create(options);
    return client.ok() ? Acquire(**client) : client.status();
  }

  /// `tokenctl acquire` as the options would have it; what it prints is in `printed_`.
  tokenctl::ExitCode Tokenctl(const client::ConnectionOptions& options) {
    tokenctl::Options command;
    command.command = tokenctl::Command::kAcquire;
    command.acquire.registration = "orders";
    command.acquire.scopes = {kResource};
    tokenctl::ConnectionOptions& connection = command.connection;
    connection.address = options.address;
    connection.tls = !options.ca_file.empty();
    connection.ca_file = options.ca_file;
    connection.client_certificate = options.certificate_file;
    connection.client_key = options.private_key_file;
    connection.jwt_file = options.jwt_file;
    connection.timeout = absl::Seconds(30);
    std::ostringstream printed;
    std::istringstream nothing;
    const SystemClock clock;
    const auto code = tokenctl::RunCommand(command, {printed, printed, nothing, clock});
    printed_ = printed.str();
    return code;
  }

  std::string socket_, printed_;
};

TEST_F(ClientIdentityTest, TheNextCallHasTheIdentityOfTheNewCertificate) {
  Show(Spiffe("stranger"));
  const client::ConnectionOptions options = MutualTls("mesh");
  const auto client = *client::TokenClient::Create(options);
  EXPECT_EQ(Acquire(*client).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Tokenctl(options), tokenctl::kExitRefused);
  EXPECT_THAT(printed_, HasSubstr("POLICY_DENIED"));

  Show(Spiffe("orders"));
  const absl::Status allowed = Acquire(*client);
  EXPECT_TRUE(allowed.ok()) << allowed;
  EXPECT_EQ(Tokenctl(options), tokenctl::kExitOk) << printed_;

  Show(Spiffe("stranger"));
  EXPECT_EQ(Acquire(*client).code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(ClientIdentityTest, CertificatesAreReplacedUnderLoadAndNoCallFails) {
  const std::vector<CertificateFiles> good = {Spiffe("orders"), Spiffe("orders-2")};
  Show(good[0]);
  const auto client = *client::TokenClient::Create(MutualTls("mesh"));
  std::atomic<bool> done = false;
  std::atomic<long> calls = 0;
  std::vector<std::thread> callers;
  callers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        const absl::Status status = Acquire(*client);
        EXPECT_TRUE(status.ok()) << status;
        ++calls;
      }
    });
  }
  for (int i = 1; i <= 20; ++i) {
    const long until = calls + 3;
    if (i % 4 == 0) {
      WriteFile("shown.pem", "garbage");
      WriteFile("shown.key", "");
    } else {
      Show(good[static_cast<std::size_t>(i) % 2]);
    }
    while (calls < until && !HasFailure()) std::this_thread::yield();
  }
  done = true;
  for (std::thread& caller : callers) caller.join();
}

TEST_F(ClientIdentityTest, WhoShowsNoCertificateOrAStrangersGetsAnErrorThatSaysSo) {
  client::ConnectionOptions options = MutualTls("mesh");
  options.certificate_file.clear();
  options.private_key_file.clear();
  EXPECT_EQ(Acquire(options).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Tokenctl(options), tokenctl::kExitUnreachable);
  EXPECT_THAT(printed_, HasSubstr("--client-certificate"));

  Show(Certificate(*strange_, "orders", "URI:spiffe://prod.example/orders"));
  options = MutualTls("mesh");
  EXPECT_EQ(Acquire(options).code(), absl::StatusCode::kUnavailable);

  options.ca_file = strange_->ca_file();
  EXPECT_THAT(std::string(Acquire(options).message()), HasSubstr("certificate verify failed"));
  EXPECT_EQ(Tokenctl(options), tokenctl::kExitUnreachable);
  EXPECT_THAT(printed_, HasSubstr("certificate verify failed"));
}

TEST_F(ClientIdentityTest, TheNextCallCarriesTheNewJwtOnAnyListenerThatTakesSome) {
  Show(Certificate(*trusted_, "proxy", "DNS:proxy.internal"));
  client::ConnectionOptions plaintext;
  plaintext.address = AddressOf("jwts");
  plaintext.plaintext = true;
  client::ConnectionOptions socket;
  socket.address = "unix:" + socket_ + "-jwts";
  for (client::ConnectionOptions options : {MutualTls("gateway"), plaintext, socket}) {
    SCOPED_TRACE(options.address);
    EXPECT_EQ(Acquire(options).code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(Tokenctl(options), tokenctl::kExitRefused);
    EXPECT_THAT(printed_, HasSubstr("--jwt-file"));

    ShowJwt("stranger");
    options.jwt_file = Path("shown.jwt");
    const auto client = *client::TokenClient::Create(options);
    EXPECT_EQ(Acquire(*client).code(), absl::StatusCode::kPermissionDenied);

    ShowJwt("orders");
    absl::Status status = Acquire(*client);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(Tokenctl(options), tokenctl::kExitOk) << printed_;

    WriteFile("shown.jwt", "half.a");
    status = Acquire(*client);
    EXPECT_TRUE(status.ok()) << status;

    Json expired = ClaimsOf("orders");
    expired["exp"] = expired["iat"].get<std::int64_t>() - 1;
    const std::string jwt = Signed(expired);
    WriteFile("shown.jwt", jwt);
    status = Acquire(*client);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(client::ErrorDetailsOf(status).reason, v1::ERROR_REASON_UNAUTHENTICATED);
    EXPECT_THAT(status.ToString(), Not(HasSubstr(jwt.substr(jwt.rfind('.')))));
    ShowJwt("orders");
    EXPECT_TRUE(Acquire(*client).ok());
  }
}

TEST_F(ClientIdentityTest, WhoeverMayOpenASocketIsTheCallerThatItsListenerNames) {
  client::ConnectionOptions options;
  options.address = "unix:" + socket_;
  const absl::Status status = Acquire(options);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Tokenctl(options), tokenctl::kExitOk) << printed_;
}

// docs/adr/0017: a client is one caller; its tokens are kept for as long as the service said.
TEST_F(ClientIdentityTest, KeptTokensOutliveAChangeOfIdentityAsTheyOutliveOneOfPolicy) {
  client::ConnectionOptions options;
  options.address = AddressOf("jwts");
  options.plaintext = true;
  ShowJwt("orders");
  options.jwt_file = Path("shown.jwt");
  client::AuthorizationHeaderProvider provider(*client::TokenClient::Create(options));
  const auto header = provider.GetAuthorizationHeader(Orders());
  ASSERT_TRUE(header.ok()) << header.status();
  ShowJwt("stranger");
  EXPECT_EQ(*provider.GetAuthorizationHeader(Orders()), *header);
  client::TokenRequest forced = Orders();
  forced.force_refresh = true;
  EXPECT_EQ(provider.GetAuthorizationHeader(forced).status().code(),
            absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace tokensvc::testing
