// SPDX-License-Identifier: Apache-2.0
// Who may end before whom. Meant for AddressSanitizer and ThreadSanitizer as much as for its
// expectations.

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <vector>

#include "absl/time/clock.h"
#include "asio/bind_cancellation_slot.hpp"
#include "asio/cancellation_signal.hpp"
#include "service/http/curl_http_transport.h"
#include "tests/service/http/local_certificates.h"
#include "tests/service/http/loopback_server.h"
#include "tests/service/http/transport_harness.h"

namespace tokensvc {
namespace {

using Peer = LoopbackServer::Peer;
using Futures = std::vector<std::future<TransportHarness::Result>>;

// Sends half an answer, so that transfers are in every state: running, connecting and queued.
void HalfAnAnswer(Peer& peer) {
  if (!peer.ReadRequest().has_value()) return;
  peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  peer.WaitForEnd();
}

Futures StartMany(TransportHarness& harness, const LoopbackServer& server) {
  Futures futures;
  for (int i = 0; i < 50; ++i) futures.push_back(harness.Start(Get(server.Url())));
  // A name that takes a resolver thread.
  futures.push_back(harness.Start(Get("https://" + std::string(64, 'a') + ".invalid/")));
  while (server.requests() < 4) absl::SleepFor(absl::Milliseconds(1));
  return futures;
}

TEST(Lifetime, RequestsInFlightEndAsUnavailableWhenTheTransportEndsOnItsLoop) {
  LoopbackServer server(&HalfAnAnswer);
  MetricRegistry registry;
  HttpMetrics metrics(registry);
  TransportHarness harness({.max_connections_per_host = 4, .metrics = &metrics});
  Futures futures = StartMany(harness, server);
  harness.OnLoop([&] { harness.transport.reset(); });
  for (auto& future : futures) {
    EXPECT_EQ(future.get().status().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(metrics.requests_in_flight.Value(), 0);
  EXPECT_EQ(metrics.open_connections.Value(), 0);
}

TEST(Lifetime, RequestsInFlightAreDestroyedWithTheContextWhenTheLoopStoppedBefore) {
  LoopbackServer server(&HalfAnAnswer);
  Futures futures;
  {
    TransportHarness harness({.max_connections_per_host = 4});
    futures = StartMany(harness, server);
  }
  for (auto& future : futures) {
    ASSERT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    // The resolver's may have ended before.
    if (&future != &futures.back()) {
      EXPECT_THROW(future.get(), std::future_error);
    }
  }
}

TEST(Lifetime, ATransportMayEndRightAfterItsRequestsStarted) {
  LoopbackServer server(&HalfAnAnswer);
  for (int round = 0; round < 20; ++round) {
    TransportHarness harness;
    Futures futures;
    for (int i = 0; i < 10; ++i) futures.push_back(harness.Start(Get(server.Url())));
    harness.OnLoop([&] { harness.transport.reset(); });
    for (auto& future : futures) {
      EXPECT_EQ(future.get().status().code(), absl::StatusCode::kUnavailable);
    }
  }
}

TEST(Lifetime, ATransportWithIdleConnectionsMayEnd) {
  LocalAuthority authority;
  LoopbackServer server(
      LoopbackServer::Answering([](const std::string&) { return Answer("200 OK", ""); }),
      authority.Issue("IP:127.0.0.1", absl::Hours(1)));
  TransportHarness harness;
  HttpRequest request = Get(server.Url());
  request.ca_file = authority.ca_file();
  EXPECT_TRUE(harness.Send(std::move(request)).ok());
}

TEST(Lifetime, AServerMayCloseIdleConnections) {
  auto server = std::make_unique<LoopbackServer>(
      LoopbackServer::Answering([](const std::string&) { return Answer("200 OK", ""); }));
  TransportHarness harness;
  const std::string url = server->Url();
  ASSERT_TRUE(harness.Send(Get(url)).ok());
  server.reset();
  EXPECT_EQ(harness.Send(Get(url)).status().code(), absl::StatusCode::kUnavailable);
}

TEST(Lifetime, ACancelledRequestIsGivenUp) {
  LoopbackServer server(&HalfAnAnswer);
  MetricRegistry registry;
  HttpMetrics metrics(registry);
  TransportHarness harness({.metrics = &metrics});
  asio::cancellation_signal signal;
  std::promise<absl::StatusCode> ended;
  auto done = [&](std::exception_ptr, TransportHarness::Result result) {
    ended.set_value(result.status().code());
  };
  asio::co_spawn(harness.loop.context(), harness.transport->Send(Get(server.Url())),
                 asio::bind_cancellation_slot(signal.slot(), done));
  while (server.requests() == 0) absl::SleepFor(absl::Milliseconds(1));
  harness.OnLoop([&] { signal.emit(asio::cancellation_type::terminal); });
  EXPECT_EQ(ended.get_future().get(), absl::StatusCode::kCancelled);
  EXPECT_EQ(metrics.requests_in_flight.Value(), 0);
}

}  // namespace
}  // namespace tokensvc
