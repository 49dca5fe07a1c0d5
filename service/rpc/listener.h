// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_LISTENER_H_
#define TOKENSVC_SERVICE_RPC_LISTENER_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace tokensvc {

/// One address that the service listens on: a `grpc::Server` of its own, with its own rule for who
/// may come.
class Listener {
 public:
  /// PEM texts of a server's identity.
  struct Tls {
    std::string certificate_chain;
    Secret private_key;
  };
  struct Options {
    std::string name;
    std::string address;     ///< `host:port`; port 0: any that is free.
    std::optional<Tls> tls;  ///< None: plaintext.
    bool reflection = false;
    bool health = true;
  };

  /// Starts to listen; `service` must outlive the listener. Fails where the address is taken or the
  /// certificate is unusable.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(Options options, grpc::Service& service);
  /// Ends what still runs, and stops at once.
  ~Listener();

  const std::string& name() const { return options_.name; }
  /// `host:port` with the port that was bound.
  const std::string& bound_address() const { return bound_address_; }

  /// What `grpc.health.v1` answers for `ready`, for the service and for the empty name; `live` is
  /// serving from the start to the end.
  void SetReady(bool ready);
  /// What it answers for `shared-cache`; unknown until this is called.
  void SetSharedCache(bool serving);

  /// Says goodbye to all connections and takes no new ones, waits for calls and streams that run
  /// until `grace` from now, then ends them. Clients that do not take a goodbye (a process that
  /// sleeps, an idle connection that nobody reads) are waited for like calls.
  void Shutdown(absl::Duration grace);

  /// Closes all connections, whatever runs on them: ends the wait of a `Shutdown` in another
  /// thread.
  void CloseConnections();

 private:
  explicit Listener(Options options) : options_(std::move(options)) {}

  const Options options_;
  std::string bound_address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_LISTENER_H_
