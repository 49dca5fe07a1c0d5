// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_HTTP_METRICS_H_
#define TOKENSVC_SERVICE_HTTP_HTTP_METRICS_H_

#include "base/metrics.h"

namespace tokensvc {

/// What all transports of a process measure together: made once, shared by every loop's transport,
/// outlives them. Thread-safe.
struct HttpMetrics {
  explicit HttpMetrics(MetricRegistry& registry)
      : requests_in_flight(registry.AddGauge("tokensvc_http_requests_in_flight",
                                             "Requests to authorities, waiting or running.")),
        open_connections(registry.AddGauge("tokensvc_http_open_connections",
                                           "Connections to authorities, in use or idle.")),
        connections_opened(registry.AddCounter("tokensvc_http_connections_opened_total",
                                               "Connections to authorities that were opened.")) {}

  Gauge& requests_in_flight;
  Gauge& open_connections;
  Counter& connections_opened;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_HTTP_METRICS_H_
