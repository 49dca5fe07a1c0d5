// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/listener.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "grpc/health/v1/health.pb.h"

namespace tokensvc {
namespace {

// 32 scopes of 1 KiB and two claims documents of 8 KiB fit with room; anything near the limit gets
// a field violation, only what is far beyond it is gRPC's to refuse.
constexpr int kMaxRequestBytes = 256 * 1024;
constexpr int kMaxMetadataBytes = 16 * 1024;
constexpr char kServiceName[] = "tokensvc.v1.TokenService";

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

std::shared_ptr<grpc::ServerCredentials> CredentialsOf(const std::optional<Listener::Tls>& tls) {
  if (!tls.has_value()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back(
      {std::string(tls->private_key.Reveal()), tls->certificate_chain});
  return grpc::SslServerCredentials(options);
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
  int port = 0;
  builder.AddListeningPort(chosen.address, CredentialsOf(chosen.tls), &port);
  builder.RegisterService(&service);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  // A second process on the same port would take every other connection; it is to fail instead.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  if (!chosen.reflection) builder.SetOption(std::make_unique<WithoutReflection>());
  if (!chosen.health) {
    builder.SetOption(std::make_unique<grpc::HealthCheckServiceServerBuilderOption>(nullptr));
  }
  listener->server_ = builder.BuildAndStart();
  if (listener->server_ == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("listener ", chosen.name, ": can't listen on ", chosen.address,
                     "; is the address taken, or the certificate unusable?"));
  }
  const absl::string_view address = chosen.address;
  listener->bound_address_ = absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  if (auto* health = listener->server_->GetHealthCheckService(); health != nullptr) {
    health->SetServingStatus("live", true);
  }
  listener->SetReady(false);
  return listener;
}

void Listener::SetReady(bool ready) {
  auto* health = server_->GetHealthCheckService();
  if (health == nullptr) return;
  for (const char* service : {"", "ready", kServiceName}) health->SetServingStatus(service, ready);
}

void Listener::SetSharedCache(bool serving) {
  if (auto* health = server_->GetHealthCheckService(); health != nullptr) {
    health->SetServingStatus("shared-cache", serving);
  }
}

Listener::~Listener() {
  // gRPC's own destructor would wait without a deadline.
  if (server_ != nullptr) Shutdown(absl::ZeroDuration());
}

void Listener::Shutdown(absl::Duration grace) {
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
}

void Listener::CloseConnections() { grpc_server_cancel_all_calls(server_->c_server()); }

}  // namespace tokensvc
