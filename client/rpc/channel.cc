// SPDX-License-Identifier: Apache-2.0
#include "client/rpc/channel.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/core/address.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace tokensvc::client {
namespace {

// A full batch: 100 tokens of 64 KiB, each with what is known about it.
constexpr int kMaxAnswerBytes = 8 << 20;
constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20;
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);

/// The text of a PEM file that must hold `label`; empty where no file is named.
absl::StatusOr<std::string> ReadPem(const char* option, const std::string& path,
                                    absl::string_view label) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (text.empty() || text.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(absl::StrCat(option, ": ", path, " can't be read"));
  }
  if (!absl::StrContains(text, label)) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, ": ", path, " holds no PEM block with ", label));
  }
  return text;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const ConnectionOptions& options) {
  if (options.plaintext) {
    if (!IsLoopback(options.address)) {
      return absl::InvalidArgumentError(
          "plaintext: tokens go in clear only to a loopback address or a Unix socket");
    }
    return grpc::InsecureChannelCredentials();
  }
  if (options.certificate_file.empty() != options.private_key_file.empty()) {
    return absl::InvalidArgumentError("certificate_file and private_key_file: both or none");
  }
  absl::StatusOr<std::string> ca = ReadPem("ca_file", options.ca_file, "BEGIN CERTIFICATE");
  if (!ca.ok()) return ca.status();
  absl::StatusOr<std::string> certificate =
      ReadPem("certificate_file", options.certificate_file, "BEGIN CERTIFICATE");
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key =
      ReadPem("private_key_file", options.private_key_file, "PRIVATE KEY");
  if (!key.ok()) return key.status();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = *std::move(ca);
  tls.pem_cert_chain = *std::move(certificate);
  tls.pem_private_key = *std::move(key);
  return grpc::SslCredentials(tls);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectionOptions& options) {
  if (!IsAddress(options.address)) {
    return absl::InvalidArgumentError("address: must be HOST:PORT, [IPV6]:PORT or unix:PATH");
  }
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials = MakeCredentials(options);
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
  const std::string target = absl::StartsWith(options.address, "unix:")
                                 ? options.address
                                 : absl::StrCat("dns:///", options.address);
  return grpc::CreateCustomChannel(target, *credentials, arguments);
}

}  // namespace tokensvc::client
