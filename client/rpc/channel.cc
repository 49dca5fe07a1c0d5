// SPDX-License-Identifier: Apache-2.0
#include "client/rpc/channel.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/core/address.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace tokensvc::client {
namespace {

// A full batch: 100 tokens of 64 KiB, each with what is known about it.
constexpr int kMaxAnswerBytes = 8 << 20;
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);

bool IsUnixSocket(const ConnectionOptions& options) {
  return absl::StartsWith(options.address, "unix:");
}

bool HasTls(const ConnectionOptions& options) {
  return !options.plaintext && !IsUnixSocket(options);
}

std::shared_ptr<grpc::ChannelCredentials> Credentials(const ConnectionOptions& options,
                                                      const TlsMaterial& material) {
  if (!HasTls(options)) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions tls;
  if (material.ca != nullptr) tls.pem_root_certs = *material.ca;
  if (material.pair != nullptr) {
    tls.pem_cert_chain = material.pair->certificate_chain;
    tls.pem_private_key = std::string(material.pair->private_key.Reveal());
  }
  return grpc::SslCredentials(tls);
}

}  // namespace

absl::Status CheckOptions(const ConnectionOptions& options) {
  if (!IsAddress(options.address)) {
    return absl::InvalidArgumentError("address: must be HOST:PORT, [IPV6]:PORT or unix:PATH");
  }
  if (options.plaintext && !IsLoopback(options.address)) {
    return absl::InvalidArgumentError(
        "plaintext: tokens and JWTs go in clear only to a loopback address or a Unix socket");
  }
  if (options.certificate_file.empty() != options.private_key_file.empty()) {
    return absl::InvalidArgumentError("certificate_file and private_key_file: both or none");
  }
  if (!HasTls(options) && !(options.ca_file.empty() && options.certificate_file.empty())) {
    return absl::InvalidArgumentError(
        "ca_file and certificate_file are for TLS: there is none with plaintext or unix:PATH");
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::Channel> MakeChannel(const ConnectionOptions& options,
                                           const TlsMaterial& material) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  arguments.SetUserAgentPrefix("tokensvc-cpp/" TOKENSVC_VERSION);
  arguments.SetLoadBalancingPolicyName("round_robin");
  const absl::Duration keepalive = std::clamp(options.keepalive, absl::Seconds(1), absl::Hours(24));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(keepalive)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(kKeepaliveTimeout)));
  if (IsLoopback(options.address)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const std::string target =
      IsUnixSocket(options) ? options.address : absl::StrCat("dns:///", options.address);
  return grpc::CreateCustomChannel(target, Credentials(options, material), arguments);
}

}  // namespace tokensvc::client
