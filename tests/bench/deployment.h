// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_DEPLOYMENT_H_
#define TOKENSVC_TESTS_BENCH_DEPLOYMENT_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/bench/child_process.h"
#include "tests/bench/peer_identity.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::bench {

/// Where the build put the programs that are measured.
struct Programs {
  std::string server;     ///< tokensvc-server
  std::string authority;  ///< tokensvc-dev-authority
  std::string bare;       ///< tokensvc-bench-bare-server
};

/// A program that answers RPCs, and a way to call it.
struct Peer {
  std::unique_ptr<ChildProcess> process;
  std::unique_ptr<v1::TokenService::Stub> stub;  ///< Null: it did not start.
  /// Of the service: as another caller, over a listener of its own.
  std::unique_ptr<v1::TokenService::Stub> noisy;
};

/// The development authority and what is started beside it, with files in a directory of their own
/// that goes with this object. The service has one registration, `bench`, for any tenant.
class Deployment {
 public:
  explicit Deployment(Programs programs, IdentityKind identity = IdentityKind::kLocal);
  ~Deployment();
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;

  /// Starts the service; `more` is added to its configuration. Says so on standard error where it
  /// fails. `noisy_quota`: the calls per second that the other caller may make.
  Peer StartService(const std::string& name, absl::string_view more = "", int noisy_quota = 1);
  /// Starts the server that answers each of `answers` to the RPC of that name.
  struct Answer {
    std::string method;
    std::string message;  ///< Serialized.
  };
  /// `tuned`: without Abseil's search for deadlocks.
  Peer StartBareServer(const std::vector<Answer>& answers, bool tuned);

  /// How calls are to show who makes them.
  const PeerIdentity& identity() const { return identity_; }

  std::string Path(absl::string_view name) const;
  /// Returns the path.
  std::string WriteFile(absl::string_view name, const std::string& text) const;

 private:
  Peer Connect(const std::string& name, std::vector<std::string> arguments,
               const std::string& ready_file) const;

  const Programs programs_;
  const std::string directory_;
  const PeerIdentity identity_;
  std::unique_ptr<ChildProcess> authority_;
  std::string authority_url_;
};

/// A request for a token of the registration `bench` that no other `number` shares.
v1::AcquireForClientRequest RequestFor(int number);

/// Calls once, with a deadline; false and a line on standard error where it fails.
bool Call(v1::TokenService::Stub& stub, const v1::AcquireForClientRequest& request,
          v1::AcquireForClientResponse* response, const std::string& authorization = "");
/// The same, and false where one of the batch failed.
bool Call(v1::TokenService::Stub& stub, const v1::BatchAcquireForClientRequest& request,
          v1::BatchAcquireForClientResponse* response, const std::string& authorization = "");

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_DEPLOYMENT_H_
