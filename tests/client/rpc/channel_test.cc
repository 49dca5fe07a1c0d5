// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/authority/test_certificates.h"
#include "tests/client/tokensvc/scripted_service.h"
#include "tokensvc/token_client.h"

namespace tokensvc::client {
namespace {

using ::testing::HasSubstr;

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    std::string folder = ::testing::TempDir() + "tokensvc-client-XXXXXX";
    folder_ = mkdtemp(folder.data());
    certificates_ = *TestCertificates::Create(folder_);
  }
  ~ChannelTest() override { std::filesystem::remove_all(folder_); }

  std::shared_ptr<grpc::ServerCredentials> ServerCredentials(bool client_certificates) {
    const CertificateFiles files = *certificates_->IssueServer("server");
    grpc::SslServerCredentialsOptions options(
        client_certificates ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                            : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    options.pem_root_certs = Contents(certificates_->ca_file());
    options.pem_key_cert_pairs.push_back(
        {Contents(files.private_key), Contents(files.certificate)});
    return grpc::SslServerCredentials(options);
  }

  static absl::Status TryOut(const ConnectionOptions& options) {
    const auto client = TokenClient::Create(options);
    return client.ok() ? (*client)->AcquireForClient(OrdersRequest()).status() : client.status();
  }

  std::string folder_;
  std::unique_ptr<TestCertificates> certificates_;
};

TEST_F(ChannelTest, TrustsTheNamedAuthorityOnly) {
  const ScriptedService service(ServerCredentials(/*client_certificates=*/false));
  ConnectionOptions options;
  options.address = service.address();
  options.ca_file = certificates_->ca_file();
  const absl::Status trusted = TryOut(options);
  EXPECT_TRUE(trusted.ok()) << trusted;

  const std::string other_folder = folder_ + "/other";
  std::filesystem::create_directory(other_folder);
  options.ca_file = (*TestCertificates::Create(other_folder))->ca_file();
  EXPECT_EQ(TryOut(options).code(), absl::StatusCode::kUnavailable);
}

TEST_F(ChannelTest, ShowsItsCertificate) {
  const ScriptedService service(ServerCredentials(/*client_certificates=*/true));
  const CertificateFiles files = *certificates_->IssueClient("caller");
  ConnectionOptions options;
  options.address = service.address();
  options.ca_file = certificates_->ca_file();
  EXPECT_EQ(TryOut(options).code(), absl::StatusCode::kUnavailable);
  options.certificate_file = files.certificate;
  options.private_key_file = files.private_key;
  const absl::Status shown = TryOut(options);
  EXPECT_TRUE(shown.ok()) << shown;
}

TEST_F(ChannelTest, RefusesPlaintextBeyondLoopback) {
  ConnectionOptions options;
  options.plaintext = true;
  for (const char* address : {"10.0.0.1:7443", "tokens.example:7443", "[2001:db8::1]:7443"}) {
    options.address = address;
    EXPECT_EQ(TokenClient::Create(options).status().code(), absl::StatusCode::kInvalidArgument)
        << address;
  }
  for (const char* address : {"127.0.0.1:7443", "localhost:7443", "[::1]:7443", "unix:/run/t"}) {
    options.address = address;
    EXPECT_TRUE(TokenClient::Create(options).ok()) << address;
  }
}

TEST_F(ChannelTest, RefusesWhatMakesNoSense) {
  ConnectionOptions options;
  EXPECT_THAT(std::string(TokenClient::Create(options).status().message()), HasSubstr("address"));
  options.address = "tokens.example:7443";
  options.ca_file = folder_ + "/none.pem";
  EXPECT_THAT(std::string(TokenClient::Create(options).status().message()), HasSubstr("ca_file"));
  options.ca_file = folder_ + "/text.pem";
  std::ofstream(options.ca_file) << "not PEM\n";
  EXPECT_THAT(std::string(TokenClient::Create(options).status().message()), HasSubstr("ca_file"));
  options.ca_file.clear();
  options.certificate_file = certificates_->ca_file();
  EXPECT_THAT(std::string(TokenClient::Create(options).status().message()), HasSubstr("both"));
}

}  // namespace
}  // namespace tokensvc::client
