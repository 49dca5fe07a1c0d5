// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_LISTENER_PARTS_H_
#define TOKENSVC_SERVICE_LISTENER_PARTS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "service/access/certificate_callers.h"
#include "service/rpc/listener.h"
#include "service/rpc/listener_certificates.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// What a listener is started with, and what it needs for as long as it runs: to be kept until
/// after its end.
struct ListenerParts {
  /// Knows callers, or the proxies that bring them, by their certificates; null where clients show
  /// none.
  std::unique_ptr<CertificateCallers> callers;
  /// Follows its TLS files, by polling; null where there is no TLS.
  std::unique_ptr<ListenerCertificates> certificates;
  Listener::Options options;
};

/// Makes the parts of the listener `config`, and reads its TLS files. Calls that run when a
/// connection comes to its age have `longest_call` to end. `clock`, `logger` and `metrics` must
/// outlive the parts.
absl::StatusOr<ListenerParts> MakeListenerParts(const config::v1::Listener& config,
                                                absl::Duration longest_call, const Clock& clock,
                                                Logger& logger, MetricRegistry& metrics);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_LISTENER_PARTS_H_
