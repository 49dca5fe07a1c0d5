// SPDX-License-Identifier: Apache-2.0
#include "client/rpc/channel.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/core/address.h"
#include "client/core/pem_checks.h"
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

absl::Status Named(absl::string_view option, const absl::Status& status) {
  return status.ok() ? status
                     : absl::Status(status.code(), absl::StrCat(option, ": ", status.message()));
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(
    const ConnectionOptions& options, const std::vector<Secret>& contents, bool first) {
  grpc::SslCredentialsOptions tls;
  auto content = contents.begin();
  if (!options.ca_file.empty()) {
    const absl::string_view ca = (content++)->Reveal();
    if (absl::Status ok = CheckCertificates(ca); !ok.ok()) return Named("ca_file", ok);
    tls.pem_root_certs = std::string(ca);
  }
  if (!options.certificate_file.empty()) {
    const absl::string_view chain = (content++)->Reveal();
    const absl::string_view key = content->Reveal();
    if (absl::Status ok = CheckKeyPair(chain, key, /*refuse_expired=*/!first); !ok.ok()) {
      return Named("certificate_file and private_key_file", ok);
    }
    tls.pem_cert_chain = std::string(chain);
    tls.pem_private_key = std::string(key);
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

std::vector<NamedFile> ChannelFiles(const ConnectionOptions& options) {
  std::vector<NamedFile> files;
  if (!options.ca_file.empty()) files.push_back({"ca_file", options.ca_file});
  if (!options.certificate_file.empty()) {
    files.push_back({"certificate_file", options.certificate_file});
    files.push_back({"private_key_file", options.private_key_file});
  }
  return files;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectionOptions& options,
                                                           const std::vector<Secret>& contents,
                                                           bool first) {
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials =
      grpc::InsecureChannelCredentials();
  if (HasTls(options)) credentials = TlsCredentials(options, contents, first);
  if (!credentials.ok()) return credentials.status();
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
  return grpc::CreateCustomChannel(target, *credentials, arguments);
}

}  // namespace tokensvc::client
