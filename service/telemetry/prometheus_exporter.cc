// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/prometheus_exporter.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <limits>
#include <map>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tokensvc {
namespace {

prometheus::MetricType TypeOf(MetricRegistry::Kind kind) {
  switch (kind) {
    case MetricRegistry::Kind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricRegistry::Kind::kHistogram:
      return prometheus::MetricType::Histogram;
    default:
      return prometheus::MetricType::Gauge;
  }
}

prometheus::ClientMetric::Histogram ToHistogram(const Histogram& histogram) {
  const auto [counts, sum] = histogram.Snapshot();
  prometheus::ClientMetric::Histogram out;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    cumulative += static_cast<std::uint64_t>(counts[i]);
    prometheus::ClientMetric::Bucket bucket;
    bucket.cumulative_count = cumulative;
    bucket.upper_bound = i < Histogram::kBounds.size() ? Histogram::kBounds[i]
                                                       : std::numeric_limits<double>::infinity();
    out.bucket.push_back(bucket);
  }
  out.sample_count = cumulative;
  out.sample_sum = sum;
  return out;
}

prometheus::ClientMetric ToMetric(const MetricRegistry::Entry& entry) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : entry.labels) metric.label.push_back({name, value});
  switch (entry.kind) {
    case MetricRegistry::Kind::kCounter:
      metric.counter.value = static_cast<double>(entry.counter->Value());
      break;
    case MetricRegistry::Kind::kGauge:
      metric.gauge.value = entry.gauge->Value();
      break;
    case MetricRegistry::Kind::kComputed:
      metric.gauge.value = entry.computed();
      break;
    case MetricRegistry::Kind::kHistogram:
      metric.histogram = ToHistogram(*entry.histogram);
      break;
  }
  return metric;
}

class RegistryCollectable final : public prometheus::Collectable {
 public:
  explicit RegistryCollectable(const MetricRegistry& registry) : registry_(registry) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> families;
    std::map<std::string, std::size_t> places;
    registry_.ForEach([&](const MetricRegistry::Entry& entry) {
      const auto [place, added] = places.try_emplace(entry.name, families.size());
      if (added) families.push_back({entry.name, entry.help, TypeOf(entry.kind), {}});
      families[place->second].metric.push_back(ToMetric(entry));
    });
    return families;
  }

 private:
  const MetricRegistry& registry_;
};

/// A connection keeps a thread of civetweb's busy until it has asked and is answered, and civetweb
/// waits half a minute for the question. So there is room for some who connect and say nothing, and
/// none of them stays for long: a scrape gets its turn well within a scraper's ten seconds.
std::vector<std::string> WebServerOptions(absl::string_view address) {
  return {"listening_ports",    std::string(address),
          "num_threads",        "16",
          "request_timeout_ms", "2000",
          "enable_keep_alive",  "no"};
}

/// Connects to a port of this machine and leaves.
void Knock(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  static_cast<void>(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
  close(fd);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PrometheusExporter>> PrometheusExporter::Start(
    absl::string_view address, const MetricRegistry& registry) {
  std::unique_ptr<PrometheusExporter> exporter(new PrometheusExporter());
  // prometheus-cpp reports a taken address by an exception of its web server's.
  try {
    exporter->exposer_ = std::make_unique<prometheus::Exposer>(WebServerOptions(address));
    exporter->collectable_ = std::make_shared<RegistryCollectable>(registry);
    exporter->exposer_->RegisterCollectable(exporter->collectable_);
    const std::vector<int> ports = exporter->exposer_->GetListeningPorts();
    exporter->port_ = ports.empty() ? 0 : ports.front();
    exporter->bound_address_ =
        absl::StrCat(address.substr(0, address.rfind(':')), ":", exporter->port_);
  } catch (const std::exception&) {
    return absl::UnavailableError(absl::StrCat("metrics: can't listen on ", address));
  }
  return exporter;
}

PrometheusExporter::~PrometheusExporter() {
  // The web server inside looks every two seconds whether to end, or when somebody connects: so
  // somebody does, for a service is to end at once when it is told to.
  std::atomic<bool> ended{false};
  std::thread ending([this, &ended] {
    exposer_.reset();
    ended.store(true);
  });
  while (!ended.load()) {
    Knock(port_);
    absl::SleepFor(absl::Milliseconds(10));
  }
  ending.join();
}

}  // namespace tokensvc
