// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/cc/authority_fault_fixture.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tokensvc::testing {
namespace {

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

void PrintTo(const AuthorityFault& fault, std::ostream* out) { *out << fault.name; }

std::string NameOf(Proof proof) {
  switch (proof) {
    case Proof::kPostedSecret:
      return "PostedSecret";
    case Proof::kBasicSecret:
      return "BasicSecret";
    case Proof::kAssertion:
      break;
  }
  return "Assertion";
}

absl::Duration AuthorityFaultFixture::TokenLifetime() const {
  return fault_.authority == AuthorityFault::Authority::kOidc ? absl::Hours(40) : absl::Hours(1);
}

void AuthorityFaultFixture::StartBefore(const AuthorityFault& fault, Proof proof) {
  fault_ = fault;
  auto certificates = TestCertificates::Create(dir_);
  ASSERT_TRUE(certificates.ok());
  ca_file_ = (*certificates)->ca_file();
  options_.now = [this] { return clock_.Now(); };  // assertions carry the service's times
  options_.token_lifetime_seconds = static_cast<int>(absl::ToInt64Seconds(TokenLifetime()));
  DevAuthority::Client client{"orders-service", {}, {}, {}};
  if (proof == Proof::kAssertion) {
    const auto pair = (*certificates)->IssueClient("assertion", TestCertificates::Key::kEcP256);
    ASSERT_TRUE(pair.ok());
    client.certificates_pem.push_back(Contents(pair->certificate));
  } else {
    WriteFile("secret", kSecretCanary);
    client.secrets.emplace_back(kSecretCanary);
  }
  options_.clients.push_back(std::move(client));
  if (fault_.authority == AuthorityFault::Authority::kEntraOverTls) {
    const auto good = (*certificates)->IssueServer("good");
    const auto expired =
        (*certificates)->IssueServer("expired", TestCertificates::Validity::kExpired);
    ASSERT_TRUE(good.ok() && expired.ok());
    good_certificate_ = *good;
    expired_certificate_ = *expired;
    ServeCertificate(good_certificate_);
  } else {
    StartAuthority(options_);
  }
  StartService(absl::StrCat(
      "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests}]\n"
      "policy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], "
      "grants: [\"*\"], "
      "scopes: [\"*\"]}]}\n"

      "metrics: {address: \"127.0.0.1:0\"}\n",
      AuthorityConfiguration(),
      "    client_id: orders-service\n"
      "    credentials: [",
      CredentialConfiguration(proof), "]\n"));
}

std::string AuthorityFaultFixture::AuthorityConfiguration() const {
  const std::string head = "authorities: [{name: dev, request_timeout: 2s, ";
  const std::string registration = "}]\nregistrations:\n  - name: orders\n    authority: dev\n";
  if (fault_.authority == AuthorityFault::Authority::kOidc) {
    return absl::StrCat(head, "oidc: {issuer: \"", authority_->oidc_issuer(), "\"}", registration);
  }
  const bool tls = fault_.authority == AuthorityFault::Authority::kEntraOverTls;
  return absl::StrCat(head, tls ? absl::StrCat("ca_file: \"", ca_file_, "\", ") : "",
                      "entra: {base_url: \"", authority_->base_url(),
                      "\", instance_discovery: false}", registration, "    tenants: [\"", kTenant,
                      "\"]\n    default_tenant: \"", kTenant, "\"\n");
}

std::string AuthorityFaultFixture::CredentialConfiguration(Proof proof) {
  if (proof == Proof::kAssertion) {
    return absl::StrCat("{certificate: {certificate_file: \"", Path("assertion.pem"),
                        "\", private_key_file: \"", Path("assertion.key"),
                        "\", algorithm: ES256}}");
  }
  return absl::StrCat("{secret: {value: \"file:", Path("secret"),
                      "\", method: ", proof == Proof::kBasicSecret ? "basic" : "post", "}}");
}

void AuthorityFaultFixture::ServeCertificate(const CertificateFiles& files) {
  // At the same address, where the service will ask again.
  if (authority_ != nullptr) options_.port = authority_->port();
  authority_.reset();
  options_.tls_certificate_file = files.certificate;
  options_.tls_private_key_file = files.private_key;
  StartAuthority(options_);
}

void AuthorityFaultFixture::Break() {
  if (fault_.authority == AuthorityFault::Authority::kEntraOverTls) {
    ServeCertificate(expired_certificate_);
    return;
  }
  DevAuthority::Fault fault;
  fault_.break_it(fault);
  authority_->AddFault(fault);
}

void AuthorityFaultFixture::Mend() {
  if (fault_.authority == AuthorityFault::Authority::kEntraOverTls) {
    ServeCertificate(good_certificate_);
  } else {
    authority_->ClearFaults();
  }
}

void AuthorityFaultFixture::WaitForFailedRefresh() const {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (logger_.Count("proactive_refresh_failed") == 0 && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(2));
  }
  EXPECT_GT(logger_.Count("proactive_refresh_failed"), 0u);
}

}  // namespace tokensvc::testing
