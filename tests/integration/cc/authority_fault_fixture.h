// SPDX-License-Identifier: Apache-2.0
// An authority that serves at first, and then fails in one of the ways that it can.
#ifndef TOKENSVC_TESTS_INTEGRATION_CC_AUTHORITY_FAULT_FIXTURE_H_
#define TOKENSVC_TESTS_INTEGRATION_CC_AUTHORITY_FAULT_FIXTURE_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/authority/test_certificates.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {

/// One way to fail, and what a caller without a cached token gets.
struct AuthorityFault {
  enum class Authority { kEntra, kEntraOverTls, kOidc };

  std::string name;
  /// Sets what goes wrong; none: the authority's certificate is over.
  std::function<void(DevAuthority::Fault&)> break_it;
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason;
  bool retry_info = false;
  Authority authority = Authority::kEntra;

  /// Whether callers get a token all the same.
  bool serves() const { return code == grpc::StatusCode::OK; }
};

void PrintTo(const AuthorityFault& fault, std::ostream* out);

/// All of them.
const std::vector<AuthorityFault>& AuthorityFaults();

/// How the service proves who it is.
enum class Proof { kPostedSecret, kBasicSecret, kAssertion };

std::string NameOf(Proof proof);

class AuthorityFaultFixture : public ServiceFixture {
 protected:
  /// Starts the authority of `fault`, still well, and the service, which has one credential.
  void StartBefore(const AuthorityFault& fault, Proof proof = Proof::kPostedSecret);
  /// From now on the authority fails.
  void Break();
  /// It is well again.
  void Mend();

  /// What the authority's tokens live. Longer than a discovery document may be answered unseen,
  /// where that is what breaks.
  absl::Duration TokenLifetime() const;
  /// Waits for a refresh behind an answer to have failed.
  void WaitForFailedRefresh() const;

 private:
  void ServeCertificate(const CertificateFiles& files);
  std::string CredentialConfiguration(Proof proof);
  std::string AuthorityConfiguration() const;

  AuthorityFault fault_;
  DevAuthority::Options options_;
  CertificateFiles good_certificate_, expired_certificate_;
  std::string ca_file_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_INTEGRATION_CC_AUTHORITY_FAULT_FIXTURE_H_
