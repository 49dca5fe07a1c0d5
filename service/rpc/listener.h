// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_LISTENER_H_
#define TOKENSVC_SERVICE_RPC_LISTENER_H_

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/rpc/reloading_server_credentials.h"

namespace tokensvc {

/// One address that the service listens on: a `grpc::Server` of its own, with its own rule for who
/// may come.
class Listener {
 public:
  struct UnixSocket {
    std::string path;
    mode_t mode = 0600;  ///< Who may connect.
  };
  struct Options {
    std::string name;
    /// What is served, by its full name, for the health service to know.
    std::string service_name = "tokensvc.v1.TokenService";
    std::string address;  ///< `host:port`; port 0: any that is free. Not for a Unix socket.
    /// None: plaintext.
    std::shared_ptr<ReloadingServerCredentials> tls;
    /// A socket's file instead of an address. A socket that was left behind is replaced.
    std::optional<UnixSocket> unix_socket;
    bool reflection = false;
    bool health = true;
    /// Connections get their goodbye at this age, a tenth more or less, so that not all come back
    /// at once; and what runs on them ends after the grace.
    absl::Duration max_connection_age = absl::InfiniteDuration();
    absl::Duration max_connection_age_grace = absl::Minutes(2);
    /// For a stranger to finish the handshake.
    absl::Duration handshake_timeout = absl::Seconds(10);
    int max_concurrent_streams = 4096;  ///< Per connection.
  };

  /// Starts to listen; `service` must outlive the listener. Fails where the address is taken,
  /// something else than a socket that nobody uses lies at the path, or the certificate is
  /// unusable.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(Options options, grpc::Service& service);
  /// Ends what still runs, and stops at once.
  ~Listener();

  const std::string& name() const { return options_.name; }
  /// `host:port` with the port that was bound, or `unix:PATH`.
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

  /// Where gRPC is to listen.
  std::string Target() const;
  absl::Status Bind(grpc::ServerBuilder& builder);

  const Options options_;
  ino_t socket_inode_ = 0;  ///< Of the Unix socket that we made.
  std::string bound_address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_LISTENER_H_
