// SPDX-License-Identifier: Apache-2.0
// Mutual TLS (RFC 8705): a provider that knows its clients by their certificates, behind the
// endpoint that its metadata names for them.
#include <httplib.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "gmock/gmock.h"
#include "tests/authority/test_certificates.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string CommonName(const SSL* ssl) {
  X509* const certificate = SSL_get1_peer_certificate(ssl);
  if (certificate == nullptr) return "";
  char name[64] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  X509_free(certificate);
  return name;
}

/// A provider with metadata on one port and a token endpoint on another, which takes nobody without
/// a certificate of the test's authority.
class MutualTlsProvider {
 public:
  MutualTlsProvider(const CertificateFiles& server, const std::string& ca_file)
      : documents_(server.certificate.c_str(), server.private_key.c_str()),
        tokens_(server.certificate.c_str(), server.private_key.c_str(), ca_file.c_str()) {
    document_port_ = documents_.bind_to_any_port("127.0.0.1");
    token_port_ = tokens_.bind_to_any_port("127.0.0.1");
    documents_.Get("/.well-known/openid-configuration", [this](const httplib::Request&,
                                                               httplib::Response& out) {
      out.set_content(absl::StrCat("{\"issuer\":\"", issuer(), "\",\"token_endpoint\":\"", issuer(),
                                   "/token\",\"mtls_endpoint_aliases\":{\"token_endpoint\":"
                                   "\"",
                                   alias_host, ":", token_port_, "/token\"}}"),
                      "application/json");
    });
    tokens_.Post("/token", [this](const httplib::Request& in, httplib::Response& out) {
      MutexLock lock(&mutex_);
      ++requests_;
      form_ = in.params;
      // Bound to the client that the certificate names, as RFC 8705 section 2.1 has it.
      const std::string name = CommonName(in.ssl);
      if (in.get_param_value("client_id") != name || in.has_header("Authorization")) {
        out.status = 401;
        out.set_content("{\"error\":\"invalid_client\"}", "application/json");
        return;
      }
      out.set_content(absl::StrCat("{\"access_token\":\"token-for-", name, "-", requests_,
                                   "\",\"token_type\":\"Bearer\",\"expires_in\":3600}"),
                      "application/json");
    });
    document_thread_ = std::thread([this] { documents_.listen_after_bind(); });
    token_thread_ = std::thread([this] { tokens_.listen_after_bind(); });
    while (!documents_.is_running() || !tokens_.is_running()) std::this_thread::yield();
  }
  ~MutualTlsProvider() {
    documents_.stop();
    tokens_.stop();
    document_thread_.join();
    token_thread_.join();
  }

  std::string issuer() const { return absl::StrCat("https://127.0.0.1:", document_port_); }
  httplib::Params form() const {
    MutexLock lock(&mutex_);
    return form_;
  }
  int requests() const {
    MutexLock lock(&mutex_);
    return requests_;
  }

  std::string alias_host = "https://127.0.0.1";  // Before the first request.

 private:
  httplib::SSLServer documents_;
  httplib::SSLServer tokens_;
  int document_port_ = 0;
  int token_port_ = 0;
  mutable Mutex mutex_;
  int requests_ ABSL_GUARDED_BY(mutex_) = 0;
  httplib::Params form_ ABSL_GUARDED_BY(mutex_);
  std::thread document_thread_, token_thread_;
};

class MutualTlsTest : public ServiceFixture {
 protected:
  MutualTlsTest() {
    certificates_ = *TestCertificates::Create(dir_);
    provider_ = std::make_unique<MutualTlsProvider>(*certificates_->IssueServer("provider"),
                                                    certificates_->ca_file());
  }
  ~MutualTlsTest() override { server_.reset(); }

  std::string Registration(const std::string& name, const std::string& client,
                           const CertificateFiles& files) const {
    return absl::StrCat("  - {name: ", name, ", authority: corp, client_id: ", client,
                        ", credentials: [{mutual_tls: {certificate_file: \"", files.certificate,
                        "\", private_key_file: \"", files.private_key, "\"}}]}\n");
  }

  void StartWith(const std::string& registrations) {
    StartService(absl::StrCat(
        "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests}]\n"
        "policy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], "
        "grants: [\"*\"], "
        "scopes: [\"*\"]}]}\n"

        "metrics: {address: \"127.0.0.1:0\"}\n"
        "authorities: [{name: corp, oidc: {issuer: \"",
        provider_->issuer(), "\"}, ca_file: \"", certificates_->ca_file(), "\"}]\nregistrations:\n",
        registrations));
  }

  static v1::AcquireForClientRequest For(const std::string& registration,
                                         const std::string& scope = "read") {
    auto request = Request(scope);
    request.set_registration(registration);
    return request;
  }

  std::unique_ptr<TestCertificates> certificates_;
  std::unique_ptr<MutualTlsProvider> provider_;
};

TEST_F(MutualTlsTest, RegistrationsGetTheirOwnTokensOverTheirOwnConnections) {
  StartWith(
      Registration("orders", "orders-client", *certificates_->IssueClient("orders-client")) +
      Registration("billing", "billing-client", *certificates_->IssueClient("billing-client")));
  for (const char* scope : {"read", "write"}) {
    EXPECT_THAT(MustAcquire(For("orders", scope)).access_token().value(),
                HasSubstr("token-for-orders-client"));
    EXPECT_THAT(MustAcquire(For("billing", scope)).access_token().value(),
                HasSubstr("token-for-billing-client"));
  }
  const httplib::Params form = provider_->form();
  EXPECT_EQ(form.count("client_id"), 1u);
  for (const char* name : {"client_secret", "client_assertion", "client_assertion_type"}) {
    EXPECT_EQ(form.count(name), 0u) << name;
  }
  const std::string seen = logger_.AllText() + Metrics();
  EXPECT_THAT(seen, HasSubstr("tokensvc_credential_days_to_expiry"));
  EXPECT_THAT(seen, Not(HasSubstr("PRIVATE KEY")));
}

TEST_F(MutualTlsTest, ACertificateOfAnotherClientIsACredentialThatIsRefused) {
  StartWith(Registration("orders", "orders-client", *certificates_->IssueClient("other-client")));
  const ReadStatus status = MustFail(For("orders"));
  EXPECT_EQ(status.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.reason, "REGISTRATION_MISCONFIGURED");
  EXPECT_EQ(logger_.Count("credential_refused"), 1u);
}

TEST_F(MutualTlsTest, AnAliasAtAForeignHostIsUntrustedAndNeverAsked) {
  provider_->alias_host = "https://localhost";
  StartWith(Registration("orders", "orders-client", *certificates_->IssueClient("orders-client")));
  const ReadStatus status = MustFail(For("orders"));
  EXPECT_EQ(status.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.reason, "AUTHORITY_UNTRUSTED");
  EXPECT_EQ(provider_->requests(), 0);
}

TEST_F(MutualTlsTest, ANewCertificateIsTakenOverWithoutARestart) {
  const CertificateFiles wrong = *certificates_->IssueClient("other-client");
  StartWith(Registration("orders", "orders-client", wrong));
  EXPECT_EQ(MustFail(For("orders")).reason, "REGISTRATION_MISCONFIGURED");
  const CertificateFiles right = *certificates_->IssueClient("orders-client");
  std::filesystem::rename(right.certificate, wrong.certificate);
  std::filesystem::rename(right.private_key, wrong.private_key);
  clock_.Advance(absl::Seconds(11));  // over the memory of the refusal
  EXPECT_THAT(MustAcquire(For("orders")).access_token().value(),
              HasSubstr("token-for-orders-client"));
}

}  // namespace
}  // namespace tokensvc::testing
