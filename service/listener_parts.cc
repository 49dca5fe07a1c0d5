// SPDX-License-Identifier: Apache-2.0
#include "service/listener_parts.h"

#include <utility>

#include "service/rpc/admin_service.h"

namespace tokensvc {
namespace {

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::StatusOr<std::unique_ptr<ListenerCertificates>> LoadCertificates(
    const config::v1::Listener& config, CertificateCallers* callers,
    const ListenerCertificates::Dependencies& needs) {
  ListenerCertificates::Options files;
  files.listener = config.name();
  files.certificate_file = config.tls().certificate_file();
  files.private_key_file = config.tls().private_key_file();
  files.client_ca_file = config.tls().client_ca_file();
  files.callers = callers;
  return ListenerCertificates::Load(std::move(files), needs);
}

}  // namespace

absl::StatusOr<ListenerParts> MakeListenerParts(const config::v1::Listener& config,
                                                absl::Duration longest_call, const Clock& clock,
                                                Logger& logger, MetricRegistry& metrics) {
  ListenerParts parts;
  parts.options.name = config.name();
  if (config.serves() == config::v1::SERVES_ADMIN) parts.options.service_name = kAdminServiceName;
  parts.options.address = config.address();
  parts.options.reflection = config.reflection();
  parts.options.health = config.health();
  if (config.has_max_connection_age()) {
    parts.options.max_connection_age = FromProto(config.max_connection_age());
  }
  parts.options.max_connection_age_grace = longest_call;
  if (config.has_unix_socket()) {
    const bool group = config.unix_socket().access() == config::v1::SOCKET_ACCESS_GROUP;
    const mode_t mode = group ? 0660 : 0600;
    parts.options.unix_socket = Listener::UnixSocket{config.unix_socket().path(), mode};
  }
  if (!config.has_tls()) return parts;
  if (!config.tls().client_ca_file().empty()) {
    parts.callers = std::make_unique<CertificateCallers>(clock);
  }
  absl::StatusOr<std::unique_ptr<ListenerCertificates>> certificates =
      LoadCertificates(config, parts.callers.get(), {clock, logger, metrics});
  if (!certificates.ok()) return certificates.status();
  parts.certificates = *std::move(certificates);
  parts.options.tls = parts.certificates->credentials();
  return parts;
}

}  // namespace tokensvc
