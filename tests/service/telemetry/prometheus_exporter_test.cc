// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/prometheus_exporter.h"

#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Scrape(const PrometheusExporter& exporter) {
  httplib::Client client("http://" + exporter.bound_address());
  const httplib::Result result = client.Get("/metrics");
  EXPECT_TRUE(result) << exporter.bound_address();
  if (!result) return "";
  EXPECT_EQ(result->status, 200);
  EXPECT_THAT(result->get_header_value("Content-Type"), HasSubstr("text/plain"));
  return result->body;
}

/// One exporter for all tests: once it was scraped, its end takes civetweb up to two seconds.
class PrometheusExporterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = PrometheusExporter::Start("127.0.0.1:0", registry());
    ASSERT_TRUE(started.ok()) << started.status();
    exporter_ = started->release();
  }
  static void TearDownTestSuite() {
    delete exporter_;
    exporter_ = nullptr;
  }
  static MetricRegistry& registry() {
    static MetricRegistry registry;
    return registry;
  }
  static PrometheusExporter& exporter() { return *exporter_; }

 private:
  static inline PrometheusExporter* exporter_ = nullptr;
};

/// The number that stands behind `series` and a space; -1 where there is none.
double ValueOf(const std::string& body, const std::string& series) {
  const std::size_t place = ("\n" + body).find("\n" + series + " ");
  return place == std::string::npos ? -1 : std::stod(body.substr(place + series.size() + 1));
}

/// A TCP connection on which nothing is ever said.
class IdleConnection {
 public:
  explicit IdleConnection(const PrometheusExporter& exporter) {
    const std::string& address = exporter.bound_address();
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  }
  ~IdleConnection() { close(fd_); }
  IdleConnection(const IdleConnection&) = delete;
  IdleConnection& operator=(const IdleConnection&) = delete;

 private:
  const int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

TEST_F(PrometheusExporterTest, ShowsCountersAndGaugesAsTheyAreNow) {
  Counter& ok = registry().AddCounter("calls_total", "Calls.", {{"result", "ok"}});
  Gauge& gauge = registry().AddGauge("open", "Open ones.");
  Counter& bad = registry().AddCounter("calls_total", "Calls.", {{"result", "b\"ad\n\\"}});
  static double computed;  // outlives the test, as the registry does
  computed = 1.5;
  registry().AddComputed("computed", "Made when read.", [] { return computed; });
  EXPECT_THAT(exporter().bound_address(), ::testing::StartsWith("127.0.0.1:"));
  EXPECT_NE(exporter().bound_address(), "127.0.0.1:0");

  ok.Increment(3);
  bad.Increment();
  gauge.Set(-2.5);
  std::string body = Scrape(exporter());
  EXPECT_THAT(body, HasSubstr("# HELP calls_total Calls.\n# TYPE calls_total counter\n"));
  EXPECT_EQ(body.find("# TYPE calls_total"), body.rfind("# TYPE calls_total")) << "one family";
  EXPECT_EQ(ValueOf(body, "calls_total{result=\"ok\"}"), 3);
  EXPECT_EQ(ValueOf(body, "calls_total{result=\"b\\\"ad\\n\\\\\"}"), 1);
  EXPECT_THAT(body, HasSubstr("# TYPE open gauge\n"));
  EXPECT_EQ(ValueOf(body, "open"), -2.5);
  EXPECT_THAT(body, HasSubstr("# TYPE computed gauge\n"));
  EXPECT_EQ(ValueOf(body, "computed"), 1.5);

  ok.Increment();
  computed = 7;
  body = Scrape(exporter());
  EXPECT_EQ(ValueOf(body, "calls_total{result=\"ok\"}"), 4);
  EXPECT_EQ(ValueOf(body, "computed"), 7);
}

TEST_F(PrometheusExporterTest, ShowsHistogramsWithCumulativeBuckets) {
  Histogram& histogram =
      registry().AddHistogram("latency_seconds", "Latency.", {{"tier", "local"}});
  for (const absl::Duration duration :
       {absl::Microseconds(5), absl::Milliseconds(2), absl::Milliseconds(2), absl::Seconds(2),
        absl::Minutes(1)}) {
    histogram.Observe(duration);
  }
  const std::string body = Scrape(exporter());
  EXPECT_THAT(body, HasSubstr("# TYPE latency_seconds histogram\n"));
  const auto bucket = [&body](const std::string& bound) {
    return ValueOf(body, "latency_seconds_bucket{tier=\"local\",le=\"" + bound + "\"}");
  };
  EXPECT_EQ(bucket("0.001"), 1) << body;
  EXPECT_EQ(bucket("0.003"), 3);
  EXPECT_EQ(bucket("1"), 3);
  EXPECT_EQ(bucket("3"), 4);
  EXPECT_EQ(bucket("30"), 4);
  EXPECT_EQ(bucket("+Inf"), 5);
  EXPECT_EQ(ValueOf(body, "latency_seconds_count{tier=\"local\"}"), 5);
  EXPECT_NEAR(ValueOf(body, "latency_seconds_sum{tier=\"local\"}"), 62.004005, 1e-6);
}

TEST_F(PrometheusExporterTest, SaysThatAnAddressIsTaken) {
  const auto second = PrometheusExporter::Start(exporter().bound_address(), registry());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(exporter().bound_address()));
}

TEST_F(PrometheusExporterTest, RefusesWhatIsNoAddress) {
  for (const char* address : {"127.0.0.1:99999", "nonsense", "127.0.0.1:x", "256.0.0.1:0"}) {
    EXPECT_FALSE(PrometheusExporter::Start(address, registry()).ok()) << address;
  }
}

TEST_F(PrometheusExporterTest, FreesItsAddressWhenItEnds) {
  auto other = PrometheusExporter::Start("127.0.0.1:0", registry());
  ASSERT_TRUE(other.ok()) << other.status();
  const std::string address = (*other)->bound_address();
  EXPECT_NE(address, exporter().bound_address());
  other->reset();
  EXPECT_FALSE(httplib::Client("http://" + address).Get("/metrics"));
}

TEST_F(PrometheusExporterTest, ShowsNothingElsewhere) {
  registry().AddGauge("hidden_here", "");
  httplib::Client client("http://" + exporter().bound_address());
  for (const char* path : {"/", "/metric", "/../etc/passwd"}) {
    const httplib::Result result = client.Get(path);
    ASSERT_TRUE(result) << path;
    EXPECT_NE(result->status, 200) << path;
    EXPECT_THAT(result->body, Not(HasSubstr("hidden_here")));
  }
}

TEST_F(PrometheusExporterTest, IsScrapedWhileOthersConnectAndSayNothing) {
  registry().AddCounter("still_there_total", "");
  std::vector<std::unique_ptr<IdleConnection>> idle;
  for (int i = 0; i < 30; ++i) idle.push_back(std::make_unique<IdleConnection>(exporter()));
  httplib::Client client("http://" + exporter().bound_address());
  client.set_read_timeout(10);  // as long as Prometheus waits
  const httplib::Result result = client.Get("/metrics");
  ASSERT_TRUE(result);
  EXPECT_THAT(result->body, HasSubstr("still_there_total 0"));
}

TEST_F(PrometheusExporterTest, IsScrapedWhileMetricsMove) {
  Counter& counter = registry().AddCounter("c_total", "");
  Histogram& histogram = registry().AddHistogram("h", "");
  std::thread mover([&] {
    for (int i = 0; i < 20000; ++i) {
      counter.Increment();
      histogram.Observe(absl::Microseconds(i));
    }
  });
  for (int i = 0; i < 5; ++i) EXPECT_THAT(Scrape(exporter()), ContainsRegex("c_total [0-9]+"));
  mover.join();
  EXPECT_EQ(ValueOf(Scrape(exporter()), "c_total"), 20000);
  EXPECT_EQ(ValueOf(Scrape(exporter()), "h_count"), 20000);
}

}  // namespace
}  // namespace tokensvc
