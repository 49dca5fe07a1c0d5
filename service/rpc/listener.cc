// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/listener.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "grpc/health/v1/health.pb.h"
#include "service/rpc/unix_socket.h"

namespace tokensvc {
namespace {

// 32 scopes of 1 KiB and two claims documents of 8 KiB fit with room; anything near the limit gets
// a field violation, only what is far beyond it is gRPC's to refuse.
constexpr int kMaxRequestBytes = 256 * 1024;
constexpr int kMaxMetadataBytes = 16 * 1024;

/// Linking the reflection library turns it on for every server of the process; this takes it out
/// again.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(),
                                  [](const auto& plugin) {
                                    return plugin->name() == "proto_server_reflection";
                                  }),
                   plugins->end());
  }
};

int Milliseconds(absl::Duration duration) {
  constexpr std::int64_t kMax = std::numeric_limits<int>::max();  // As gRPC says "never".
  return static_cast<int>(std::min(absl::ToInt64Milliseconds(duration), kMax));
}

void SetLimits(const Listener::Options& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             Milliseconds(options.max_connection_age));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             Milliseconds(options.max_connection_age_grace));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(options.handshake_timeout));
  // A second process on the same port would take every other connection; it is to fail instead.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

ino_t InodeOf(const std::string& path) {
  struct stat file = {};
  return ::lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode) ? file.st_ino : 0;
}

void InitializeOnce() {
  static const bool done = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // Links the description of the health service in, for reflection to show.
    grpc::health::v1::HealthCheckRequest::descriptor();
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(Options options, grpc::Service& service) {
  InitializeOnce();
  std::unique_ptr<Listener> listener(new Listener(std::move(options)));
  const Options& chosen = listener->options_;

  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  SetLimits(chosen, builder);
  if (!chosen.reflection) builder.SetOption(std::make_unique<WithoutReflection>());
  if (!chosen.health) {
    builder.SetOption(std::make_unique<grpc::HealthCheckServiceServerBuilderOption>(nullptr));
  }
  if (absl::Status bound = listener->Bind(builder); !bound.ok()) return bound;
  if (auto* health = listener->server_->GetHealthCheckService(); health != nullptr) {
    health->SetServingStatus("live", true);
  }
  listener->SetReady(false);
  return listener;
}

std::string Listener::Target() const {
  if (options_.unix_socket.has_value()) return absl::StrCat("unix:", options_.unix_socket->path);
  return options_.address;
}

absl::Status Listener::Bind(grpc::ServerBuilder& builder) {
  const std::optional<UnixSocket>& socket = options_.unix_socket;
  std::optional<ScopedFileMode> mode;
  if (socket.has_value()) {
    const absl::Status room = RemoveStaleSocket(socket->path);
    if (!room.ok()) {
      return absl::Status(room.code(), absl::StrCat("listener ", name(), ": ", room.message()));
    }
    mode.emplace(socket->mode);
  }
  const std::string target = Target();
  std::shared_ptr<grpc::ServerCredentials> credentials = options_.tls;
  if (credentials == nullptr) credentials = grpc::InsecureServerCredentials();
  int port = 0;
  builder.AddListeningPort(target, std::move(credentials), &port);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("listener ", name(), ": can't listen on ", target,
                     socket.has_value() ? "; is its folder there, and writable?"
                                        : "; is the address taken, or the certificate unusable?"));
  }
  if (socket.has_value()) {
    socket_inode_ = InodeOf(socket->path);
    bound_address_ = target;
  } else {
    bound_address_ = absl::StrCat(target.substr(0, target.rfind(':')), ":", port);
  }
  return absl::OkStatus();
}

void Listener::SetReady(bool ready) {
  auto* health = server_->GetHealthCheckService();
  if (health == nullptr) return;
  for (const std::string& service : {std::string(), std::string("ready"), options_.service_name}) {
    health->SetServingStatus(service, ready);
  }
}

void Listener::SetSharedCache(bool serving) {
  if (auto* health = server_->GetHealthCheckService(); health != nullptr) {
    health->SetServingStatus("shared-cache", serving);
  }
}

Listener::~Listener() {
  // gRPC's own destructor would wait without a deadline.
  if (server_ != nullptr) Shutdown(absl::ZeroDuration());
  server_.reset();
  // Unless that of a process that followed us lies there.
  if (socket_inode_ != 0 && InodeOf(options_.unix_socket->path) == socket_inode_) {
    ::unlink(options_.unix_socket->path.c_str());
  }
}

void Listener::Shutdown(absl::Duration grace) {
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
}

void Listener::CloseConnections() { grpc_server_cancel_all_calls(server_->c_server()); }

}  // namespace tokensvc
