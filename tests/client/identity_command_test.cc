// SPDX-License-Identifier: Apache-2.0
// What tokenctl shows of its user: client certificate and JWT.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/authority/test_certificates.h"
#include "tests/client/command_fixture.h"
#include "tests/client/error_details.h"

namespace tokensvc::tokenctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kJwt[] = "eyJhIjoxfQ.eyJuIjoxfQ.CANARYsign";

class IdentityCommandTest : public CommandTest {
 protected:
  IdentityCommandTest() {
    std::string folder = ::testing::TempDir() + "tokenctl-identity-XXXXXX";
    folder_ = mkdtemp(folder.data());
  }
  ~IdentityCommandTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
    return folder_ + "/" + name;
  }

  std::string folder_;
};

TEST_F(IdentityCommandTest, CallsCarryTheJwtAndNothingShowsIt) {
  server_.service.acquire_response.mutable_access_token()->set_value("opaque");
  options_.connection.jwt_file = Write("jwt", std::string(kJwt) + "\n");
  EXPECT_EQ(Run(Command::kAcquire), kExitOk) << err();
  EXPECT_EQ(server_.service.authorization, std::string("Bearer ") + kJwt);
  EXPECT_THAT(out() + err(), Not(HasSubstr("CANARY")));
  server_.SetServing("live", true);
  server_.SetServing("ready", true);
  EXPECT_EQ(Run(Command::kCheck), kExitOk) << out();
  EXPECT_THAT(out(), HasSubstr("over plaintext with your JWT"));
  EXPECT_THAT(out() + err(), Not(HasSubstr("CANARY")));
}

TEST_F(IdentityCommandTest, TakesAJwtFromAPipe) {
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(
      std::system(("mkfifo " + pipe + " && printf '" + kJwt + "\\n' > " + pipe + " &").c_str()), 0);
  while (!std::filesystem::exists(pipe)) {
  }
  options_.connection.jwt_file = pipe;
  Run(Command::kAcquire);
  EXPECT_EQ(server_.service.authorization, std::string("Bearer ") + kJwt);
}

TEST_F(IdentityCommandTest, AFileThatHoldsNoIdentityIsAUsageErrorThatRepeatsNothing) {
  options_.connection.jwt_file = "CANARY";
  EXPECT_EQ(Run(Command::kHealth), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--jwt-file: no such file"));
  options_.connection.jwt_file = Write("jwt", "CANARY");
  EXPECT_EQ(Run(Command::kHealth), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--jwt-file: the file holds no JWT"));
  EXPECT_THAT(err(), Not(HasSubstr("CANARY")));

  const auto certificates = *TestCertificates::Create(folder_);
  const CertificateFiles files = *certificates->IssueClient("one");
  options_.connection.jwt_file.clear();
  options_.connection.tls = true;
  options_.connection.client_certificate = files.certificate;
  options_.connection.client_key = certificates->IssueClient("two")->private_key;
  EXPECT_EQ(Run(Command::kHealth), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--client-key: the private key is not that of"));
  options_.connection.client_key = folder_ + "/none";
  EXPECT_EQ(Run(Command::kHealth), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--client-key: no such file"));
}

TEST_F(IdentityCommandTest, WhoIsNotKnownIsToldWhichOptionsSayIt) {
  google::rpc::Status details;
  AddErrorInfo("tokensvc", "UNAUTHENTICATED", "id-1", &details);
  server_.service.status = WithDetails(grpc::StatusCode::UNAUTHENTICATED, "who?", details);
  EXPECT_EQ(Run(Command::kAcquire), kExitRefused);
  for (const char* option : {"--client-certificate", "--client-key", "--jwt-file"}) {
    EXPECT_THAT(err(), HasSubstr(option));
  }
}

}  // namespace
}  // namespace tokensvc::tokenctl
