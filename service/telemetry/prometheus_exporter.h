// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_PROMETHEUS_EXPORTER_H_
#define TOKENSVC_SERVICE_TELEMETRY_PROMETHEUS_EXPORTER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/metrics.h"

namespace prometheus {
class Collectable;
class Exposer;
}  // namespace prometheus

namespace tokensvc {

/// Shows a registry at `http://ADDRESS/metrics` in Prometheus' text format.
class PrometheusExporter {
 public:
  /// Listens on `address` (`host:port`; port 0: any that is free). `registry` must outlive the
  /// exporter. Fails where the address is taken.
  static absl::StatusOr<std::unique_ptr<PrometheusExporter>> Start(absl::string_view address,
                                                                   const MetricRegistry& registry);
  ~PrometheusExporter();

  /// `host:port` with the port that was bound.
  const std::string& bound_address() const { return bound_address_; }

 private:
  PrometheusExporter() = default;

  std::shared_ptr<prometheus::Collectable> collectable_;
  std::unique_ptr<prometheus::Exposer> exposer_;
  int port_ = 0;
  std::string bound_address_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_PROMETHEUS_EXPORTER_H_
