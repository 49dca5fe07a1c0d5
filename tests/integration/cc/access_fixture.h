// SPDX-License-Identifier: Apache-2.0
// The service with a listener for each way to tell who calls, and peers that show what they please.
#ifndef TOKENSVC_TESTS_INTEGRATION_CC_ACCESS_FIXTURE_H_
#define TOKENSVC_TESTS_INTEGRATION_CC_ACCESS_FIXTURE_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "tests/authority/test_certificates.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {

/// The RPCs for tokens.
enum class Rpc { kAcquire, kBatch, kHeader };
inline constexpr std::array kRpcs = {Rpc::kAcquire, Rpc::kBatch, Rpc::kHeader};
std::string RpcName(Rpc rpc);

/// What is asked for.
struct Wanted {
  std::string registration = "orders";
  std::string tenant;  ///< Empty: the registration's default.
  std::string scope = "api://orders-api/.default";
  bool forced = false;
};

/// Somebody who connects.
struct Peer {
  std::string name;
  std::shared_ptr<grpc::Channel> channel;
  std::optional<std::string> jwt;
};

/// Listeners `local` (everybody is `local:operator`), `mesh` (client certificates) and `gateway`
/// (JWTs, behind proxies with certificates). The fake clock tells the real time, as OpenSSL does.
class AccessFixture : public ServiceFixture {
 public:
  /// The call's status, or that of a batch's only item.
  static grpc::Status Ask(const Peer& peer, Rpc rpc, const Wanted& wanted = {});
  static grpc::StatusCode CodeOf(const Peer& peer, Rpc rpc, const Wanted& wanted = {}) {
    return Ask(peer, rpc, wanted).error_code();
  }

 protected:
  using Validity = TestCertificates::Validity;

  static constexpr char kOtherTenant[] = "22222222-2222-2222-2222-222222222222";
  static constexpr char kIssuer[] = "https://issuer.example";
  static constexpr char kAudience[] = "tokensvc";

  AccessFixture();

  /// Starts the authority, and the service with `rules`: lines of YAML, each rule `- {…}`.
  void StartWithRules(const std::string& rules);
  std::string ConfigurationWithRules(const std::string& rules) const {
    return ConfigurationWithPolicy("policy:\n  rules:\n" + rules);
  }
  /// `policy`: the block, or the name of the file.
  std::string ConfigurationWithPolicy(const std::string& policy) const;
  void StartAuthority();
  /// Swaps the policy.
  void SwapRules(const std::string& rules);

  CertificateFiles Certificate(TestCertificates& authority, const std::string& name,
                               const std::string& alternative_names,
                               Validity validity = Validity::kValid);
  /// With a connection of its own; `files` null: without a certificate.
  Peer AtMesh(const std::string& name, const CertificateFiles* files);
  /// `spiffe://prod.example/NAME` at the mesh.
  Peer Workload(const std::string& name);
  /// Through the proxy, with a JWT; by default a good one of `name`.
  Peer AtGateway(const std::string& name, std::optional<std::string> jwt);
  Peer Subject(const std::string& name);

  /// Claims of a good JWT, now.
  Json ClaimsOf(const std::string& subject) const;
  /// Signed by the issuer's EC key.
  static std::string Signed(const Json& claims);

  std::shared_ptr<grpc::Channel> Connect(const std::string& listener,
                                         const CertificateFiles* files);
  /// A connection of its own to `address`.
  std::shared_ptr<grpc::Channel> ConnectTo(const std::string& address,
                                           const CertificateFiles* files) const;

  /// Sign what is trusted, and what is not.
  std::unique_ptr<TestCertificates> trusted_, strange_;

 private:
  std::string RegistrationNamed(const std::string& name) const;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_INTEGRATION_CC_ACCESS_FIXTURE_H_
