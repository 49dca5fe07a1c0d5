// SPDX-License-Identifier: Apache-2.0
// What a client shows of itself, while the files that it is in are replaced under a running client.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/authority/test_certificates.h"
#include "tests/client/tokensvc/scripted_service.h"
#include "tokensvc/error_details.h"
#include "tokensvc/token_client.h"

namespace tokensvc::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kFirstJwt[] = "eyJhIjoxfQ.eyJuIjoxfQ.Zmlyc3Q";
constexpr char kSecondJwt[] = "eyJhIjoxfQ.eyJuIjoyfQ.c2Vjb25k";

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class IdentityFilesTest : public ::testing::Test {
 protected:
  IdentityFilesTest() {
    std::string folder = ::testing::TempDir() + "tokensvc-identity-XXXXXX";
    folder_ = mkdtemp(folder.data());
    certificates_ = *TestCertificates::Create(folder_);
  }
  ~IdentityFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name + ".new"), std::ios::binary) << text;
    std::filesystem::rename(Path(name + ".new"), Path(name));
    return Path(name);
  }

  /// Wants a certificate of the test's authority.
  std::shared_ptr<grpc::ServerCredentials> MutualTls() {
    const CertificateFiles files = *certificates_->IssueServer("server");
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = Contents(certificates_->ca_file());
    options.pem_key_cert_pairs.push_back(
        {Contents(files.private_key), Contents(files.certificate)});
    return grpc::SslServerCredentials(options);
  }

  ConnectionOptions MutualTlsOptions(const ScriptedService& service, const std::string& client) {
    const CertificateFiles files = *certificates_->IssueClient(client);
    ConnectionOptions options;
    options.address = service.address();
    options.ca_file = Write("trusted.pem", Contents(certificates_->ca_file()));
    options.certificate_file = Write("client.pem", Contents(files.certificate));
    options.private_key_file = Write("client.key", Contents(files.private_key));
    return options;
  }

  ConnectionOptions JwtOptions(const ScriptedService& service) {
    ConnectionOptions options;
    options.address = service.address();
    options.plaintext = true;
    options.jwt_file = Write("jwt", std::string(kFirstJwt) + "\n");
    return options;
  }

  static absl::Status Acquire(const TokenClient& client) {
    return client.AcquireForClient(OrdersRequest()).status();
  }

  static std::string CreateError(const ConnectionOptions& options) {
    const auto client = TokenClient::Create(options);
    EXPECT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(client.status().message());
  }

  std::string folder_;
  std::unique_ptr<TestCertificates> certificates_;
};

TEST_F(IdentityFilesTest, TheNextCallShowsTheNewCertificate) {
  const ScriptedService service(MutualTls());
  const auto client = *TokenClient::Create(MutualTlsOptions(service, "first"));
  EXPECT_TRUE(Acquire(*client).ok());
  MutualTlsOptions(service, "second");
  EXPECT_TRUE(Acquire(*client).ok());
  EXPECT_TRUE(Acquire(*client).ok());
  EXPECT_EQ(service.seen().at(0).certificate, "first");
  EXPECT_EQ(service.seen().at(1).certificate, "second");
  EXPECT_EQ(service.seen().at(2).certificate, "second");
}

TEST_F(IdentityFilesTest, ACertificateWithoutItsKeyOrGarbageLeavesTheOldInForce) {
  const ScriptedService service(MutualTls());
  const ConnectionOptions options = MutualTlsOptions(service, "first");
  const auto client = *TokenClient::Create(options);
  const CertificateFiles next = *certificates_->IssueClient("second");
  for (const std::string& certificate :
       {Contents(next.certificate), std::string("garbage"), std::string(),
        Contents(next.certificate).substr(0, 300)}) {
    Write("client.pem", certificate);
    EXPECT_TRUE(Acquire(*client).ok());
    EXPECT_EQ(service.seen().back().certificate, "first");
  }
  std::filesystem::remove(options.certificate_file);
  EXPECT_TRUE(Acquire(*client).ok());
  EXPECT_EQ(service.seen().back().certificate, "first");
  Write("client.pem", Contents(next.certificate));
  Write("client.key", Contents(next.private_key));
  EXPECT_TRUE(Acquire(*client).ok());
  EXPECT_EQ(service.seen().back().certificate, "second");
}

TEST_F(IdentityFilesTest, FollowsWhomToTrust) {
  const ScriptedService service(MutualTls());
  const ConnectionOptions options = MutualTlsOptions(service, "first");
  const auto client = *TokenClient::Create(options);
  EXPECT_TRUE(Acquire(*client).ok());
  Write("trusted.pem", "garbage");
  EXPECT_TRUE(Acquire(*client).ok());
  std::filesystem::create_directory(Path("other"));
  Write("trusted.pem", Contents((*TestCertificates::Create(Path("other")))->ca_file()));
  const absl::Status stranger = Acquire(*client);
  EXPECT_EQ(stranger.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(stranger.message()), HasSubstr("CERTIFICATE_VERIFY_FAILED"));
  Write("trusted.pem", Contents(certificates_->ca_file()));
  EXPECT_TRUE(Acquire(*client).ok());
}

TEST_F(IdentityFilesTest, ACallThatRunsEndsOnTheConnectionThatItHas) {
  ScriptedService service(MutualTls());
  const auto client = *TokenClient::Create(MutualTlsOptions(service, "first"));
  service.Hold();
  std::promise<absl::Status> ended;
  client->AcquireForClientAsync(
      OrdersRequest(),
      [&ended](const absl::StatusOr<AccessToken>& token) { ended.set_value(token.status()); });
  while (service.calls() == 0) std::this_thread::yield();
  MutualTlsOptions(service, "second");
  std::promise<absl::Status> next;
  client->AcquireForClientAsync(OrdersRequest(), [&next](const absl::StatusOr<AccessToken>& token) {
    next.set_value(token.status());
  });
  while (service.calls() == 1) std::this_thread::yield();
  service.LetGo();
  EXPECT_TRUE(ended.get_future().get().ok());
  EXPECT_TRUE(next.get_future().get().ok());
  EXPECT_EQ(service.seen().at(0).certificate, "first");
  EXPECT_EQ(service.seen().at(1).certificate, "second");
}

TEST_F(IdentityFilesTest, EveryCallCarriesTheJwtThatIsInTheFile) {
  ScriptedService service;
  const auto client = *TokenClient::Create(JwtOptions(service));
  EXPECT_TRUE(Acquire(*client).ok());
  Write("jwt", kSecondJwt);
  EXPECT_TRUE(client->BatchAcquireForClient({OrdersRequest()}).ok());
  EXPECT_TRUE(client->CreateAuthorizationHeader(OrdersRequest()).ok());
  const auto seen = service.seen();
  EXPECT_THAT(seen.at(0).authorization, ElementsAre(std::string("Bearer ") + kFirstJwt));
  EXPECT_THAT(seen.at(1).authorization, ElementsAre(std::string("Bearer ") + kSecondJwt));
  EXPECT_THAT(seen.at(2).authorization, ElementsAre(std::string("Bearer ") + kSecondJwt));
}

TEST_F(IdentityFilesTest, ARetryCarriesTheJwtOfItsOwnTime) {
  ScriptedService service;
  const auto client = *TokenClient::Create(JwtOptions(service));
  service.Fail({Refusal(grpc::StatusCode::UNAVAILABLE, "DRAINING", absl::ZeroDuration())});
  service.Hold();
  std::promise<absl::Status> ended;
  client->AcquireForClientAsync(
      OrdersRequest(),
      [&ended](const absl::StatusOr<AccessToken>& token) { ended.set_value(token.status()); });
  while (service.calls() == 0) std::this_thread::yield();
  Write("jwt", kSecondJwt);
  service.LetGo();
  EXPECT_TRUE(ended.get_future().get().ok());
  EXPECT_THAT(service.seen().at(1).authorization, ElementsAre(std::string("Bearer ") + kSecondJwt));
}

TEST_F(IdentityFilesTest, AJwtGoesOverTlsToo) {
  const ScriptedService service(MutualTls());
  ConnectionOptions options = MutualTlsOptions(service, "first");
  options.jwt_file = Write("jwt", kFirstJwt);
  EXPECT_TRUE(Acquire(**TokenClient::Create(options)).ok());
  EXPECT_THAT(service.seen().at(0).authorization, ElementsAre(std::string("Bearer ") + kFirstJwt));
  EXPECT_EQ(service.seen().at(0).certificate, "first");
}

TEST_F(IdentityFilesTest, AJwtGoesOverAUnixSocketWhichNeverHasTls) {
  const ScriptedService service(grpc::InsecureServerCredentials(), "unix:" + Path("socket"));
  ConnectionOptions options;
  options.address = service.address();
  options.jwt_file = Write("jwt", kFirstJwt);
  const absl::Status status = Acquire(**TokenClient::Create(options));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(service.seen().at(0).authorization, ElementsAre(std::string("Bearer ") + kFirstJwt));
}

TEST_F(IdentityFilesTest, AJwtNeverGoesInClearBeyondLoopback) {
  ConnectionOptions options;
  options.address = "10.0.0.1:7443";
  options.plaintext = true;
  options.jwt_file = Write("jwt", kFirstJwt);
  EXPECT_THAT(CreateError(options), HasSubstr("in clear"));
}

TEST_F(IdentityFilesTest, ABadJwtLeavesTheOldInForceAndTheErrorOfARefusedCallSaysSo) {
  ScriptedService service;
  const auto client = *TokenClient::Create(JwtOptions(service));
  for (const char* content : {"", "CANARY", "eyJhIjoxfQ.eyJuIjoyfQ."}) {
    Write("jwt", content);
    EXPECT_TRUE(Acquire(*client).ok());
    EXPECT_THAT(service.seen().back().authorization,
                ElementsAre(std::string("Bearer ") + kFirstJwt));
  }
  Write("jwt", "CANARY");
  service.Fail({Refusal(grpc::StatusCode::UNAUTHENTICATED, "UNAUTHENTICATED")});
  const absl::Status refused = Acquire(*client);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("jwt_file: the file holds no JWT"));
  EXPECT_THAT(refused.ToString(), Not(HasSubstr("CANARY")));
  EXPECT_EQ(ErrorDetailsOf(refused).reason, v1::ERROR_REASON_UNAUTHENTICATED);
  EXPECT_EQ(ErrorDetailsOf(refused).correlation_id, "correlation-7");

  service.Fail({Refusal(grpc::StatusCode::PERMISSION_DENIED, "POLICY_DENIED")});
  EXPECT_THAT(std::string(Acquire(*client).message()), Not(HasSubstr("jwt_file")));
  Write("jwt", kSecondJwt);
  service.Fail({Refusal(grpc::StatusCode::UNAUTHENTICATED, "UNAUTHENTICATED")});
  EXPECT_THAT(std::string(Acquire(*client).message()), Not(HasSubstr("jwt_file")));
}

TEST_F(IdentityFilesTest, WithoutAUsableFileThereIsNoClient) {
  const ScriptedService service;
  ConnectionOptions options = JwtOptions(service);
  Write("jwt", "CANARY");
  EXPECT_THAT(CreateError(options), HasSubstr("jwt_file: the file holds no JWT"));
  Write("jwt", "");
  EXPECT_THAT(CreateError(options), HasSubstr("jwt_file: the file is empty"));
  Write("jwt", std::string(20000, 'a'));
  EXPECT_THAT(CreateError(options), HasSubstr("jwt_file: the file is too large"));
  options.jwt_file = "CANARY";  // The JWT where its file's path belongs.
  EXPECT_EQ(CreateError(options), "jwt_file: the file does not exist");

  options = MutualTlsOptions(service, "first");
  Write("client.key", Contents(certificates_->IssueClient("second")->private_key));
  EXPECT_THAT(CreateError(options), HasSubstr("private_key_file"));
  options = MutualTlsOptions(service, "first");
  options.plaintext = true;
  EXPECT_THAT(CreateError(options), HasSubstr("are for TLS"));
  options.plaintext = false;
  options.address = "unix:" + Path("socket");
  EXPECT_THAT(CreateError(options), HasSubstr("are for TLS"));
}

TEST_F(IdentityFilesTest, AChannelOfTheCallersOwnShowsNothingMore) {
  const ScriptedService service;
  const TokenClient client(
      grpc::CreateChannel(service.address(), grpc::InsecureChannelCredentials()));
  EXPECT_TRUE(Acquire(client).ok());
  EXPECT_THAT(service.seen().at(0).authorization, IsEmpty());
}

}  // namespace
}  // namespace tokensvc::client
