// SPDX-License-Identifier: Apache-2.0
// The development authority over TLS.
#include "tests/authority/dev_authority.h"

#include "tests/authority/authority_test_fixture.h"
#include "tests/authority/test_certificates.h"

namespace tokensvc {
namespace {

class DevAuthorityTlsTest : public AuthorityTest {
 protected:
  void StartTls(TestCertificates::Validity validity) {
    auto certificates = TestCertificates::Create(directory_);
    ASSERT_TRUE(certificates.ok()) << certificates.status();
    const auto files = (*certificates)->IssueServer("server", validity);
    ASSERT_TRUE(files.ok()) << files.status();
    ca_file_ = (*certificates)->ca_file();
    DevAuthority::Options options;
    options.tls_certificate_file = files->certificate;
    options.tls_private_key_file = files->private_key;
    Start(options);
  }

  httplib::Result PostTls(const std::string& host) {
    httplib::SSLClient client(host, authority_->port());
    client.set_ca_cert_path(ca_file_);
    client.enable_server_certificate_verification(true);
    return client.Post(TokenPath(), FormBody(GoodParams()), kForm);
  }

  std::string ca_file_;
};

TEST_F(DevAuthorityTlsTest, ServesHttpsUnderTheNameThatTheClientUses) {
  StartTls(TestCertificates::Validity::kValid);
  EXPECT_THAT(authority_->base_url(), ::testing::HasSubstr("https://127.0.0.1:"));
  const Answer answer = ToAnswer(PostTls("localhost"));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(ClaimsOf(answer.token())["iss"],
            absl::StrCat("https://localhost:", authority_->port(), "/", kTenant, "/v2.0"));
}

TEST_F(DevAuthorityTlsTest, AnExpiredCertificateIsServedAndRefusedByTheClient) {
  StartTls(TestCertificates::Validity::kExpired);
  const httplib::Result result = PostTls("localhost");
  EXPECT_FALSE(result);
  EXPECT_EQ(result.error(), httplib::Error::SSLServerVerification);
  EXPECT_EQ(authority_->counters().token_requests, 0);
}

TEST_F(DevAuthorityTlsTest, ACertificateOfTheFutureIsRefusedByTheClient) {
  StartTls(TestCertificates::Validity::kNotYetValid);
  EXPECT_EQ(PostTls("localhost").error(), httplib::Error::SSLServerVerification);
}

}  // namespace
}  // namespace tokensvc
