// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_PEER_IDENTITY_H_
#define TOKENSVC_TESTS_BENCH_PEER_IDENTITY_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

namespace tokensvc::bench {

/// How the load shows who it is.
enum class IdentityKind {
  kLocal,        ///< Not at all: plaintext on loopback.
  kCertificate,  ///< By a client certificate: TLS on both sides, for the bare handler too.
  kJwt,          ///< By a JWT of 0.4 KB with each call: plaintext, to the bare handler too.
};

/// Keys and certificates for one run, in files of a folder.
class PeerIdentity {
 public:
  /// `folder` exists. Ends the program where it can't write there.
  PeerIdentity(IdentityKind kind, const std::string& folder);

  /// The listener's transport and rule, as the inside of a YAML flow mapping.
  const std::string& listener() const { return listener_; }
  /// Further blocks of the service's configuration.
  const std::string& configuration() const { return configuration_; }
  /// What the bare server is started with, before its answers.
  const std::vector<std::string>& bare_arguments() const { return bare_arguments_; }
  std::shared_ptr<grpc::ChannelCredentials> credentials() const { return credentials_; }
  /// The value of `authorization` that goes with each call; empty: none.
  const std::string& authorization() const { return authorization_; }

 private:
  void UseCertificates(const std::string& folder);
  void UseJwt(const std::string& folder);

  std::string listener_ = "plaintext: {}, identity: tests";
  std::string configuration_;
  std::vector<std::string> bare_arguments_;
  std::shared_ptr<grpc::ChannelCredentials> credentials_ = grpc::InsecureChannelCredentials();
  std::string authorization_;
};

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_PEER_IDENTITY_H_
