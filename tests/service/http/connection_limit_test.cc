// SPDX-License-Identifier: Apache-2.0
// How many connections are opened, shared and replaced, and who waits for one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "service/http/curl_http_transport.h"
#include "tests/service/http/local_certificates.h"
#include "tests/service/http/loopback_server.h"
#include "tests/service/http/transport_harness.h"

namespace tokensvc {
namespace {

using Peer = LoopbackServer::Peer;
using Futures = std::vector<std::future<TransportHarness::Result>>;

std::string Ok(const std::string&) { return Answer("200 OK", "body"); }

// Answers a first request on every connection, and hangs up on reading the next one.
void AnswerOnce(Peer& peer) {
  if (!peer.ReadRequest().has_value()) return;
  peer.Write(Answer("200 OK", ""));
  peer.ReadRequest();
}

TEST(ConnectionLimit, AThousandRequestsShareTheConnectionsOfTheirHost) {
  LoopbackServer server(LoopbackServer::Answering(&Ok));
  MetricRegistry registry;
  HttpMetrics metrics(registry);
  {
    TransportHarness harness({.max_connections_per_host = 8, .metrics = &metrics});
    Futures futures;
    for (int i = 0; i < 1000; ++i) futures.push_back(harness.Start(Get(server.Url())));
    for (auto& future : futures) {
      const auto response = future.get();
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(response->body.Reveal(), "body");
    }
    EXPECT_EQ(server.requests(), 1000);
    EXPECT_LE(server.connections(), 8);
    EXPECT_EQ(metrics.connections_opened.Value(), server.connections());
    EXPECT_EQ(metrics.open_connections.Value(), server.connections());
    EXPECT_EQ(metrics.requests_in_flight.Value(), 0);
  }
  EXPECT_EQ(metrics.open_connections.Value(), 0);
}

TEST(ConnectionLimit, AThousandRequestsShareTheConnectionsOfTheirHostOverTls) {
  LocalAuthority authority;
  LoopbackServer server(LoopbackServer::Answering(&Ok),
                        authority.Issue("IP:127.0.0.1", absl::Hours(1)));
  TransportHarness harness({.max_connections_per_host = 4});
  Futures futures;
  for (int i = 0; i < 1000; ++i) {
    HttpRequest request = Get(server.Url());
    request.ca_file = authority.ca_file();
    futures.push_back(harness.Start(std::move(request)));
  }
  for (auto& future : futures) {
    const auto response = future.get();
    ASSERT_TRUE(response.ok()) << response.status();
  }
  EXPECT_EQ(server.requests(), 1000);
  EXPECT_LE(server.connections(), 4);
}

TEST(ConnectionLimit, HostsTogetherKeepTheTotal) {
  std::vector<std::unique_ptr<LoopbackServer>> servers;
  std::atomic<int> now{0}, most{0};
  for (int i = 0; i < 6; ++i) {
    servers.push_back(
        std::make_unique<LoopbackServer>(LoopbackServer::Answering([&](const std::string& request) {
          int seen = ++now;
          for (int high = most; seen > high && !most.compare_exchange_weak(high, seen);) {
          }
          absl::SleepFor(absl::Milliseconds(1));  // lets requests overlap, if they are allowed to
          --now;
          return Ok(request);
        })));
  }
  TransportHarness harness({.max_connections_per_host = 4, .max_connections = 3});
  Futures futures;
  for (int i = 0; i < 300; ++i) futures.push_back(harness.Start(Get(servers[i % 6]->Url())));
  for (auto& future : futures) {
    const auto response = future.get();
    ASSERT_TRUE(response.ok()) << response.status();
  }
  EXPECT_LE(most, 3);
}

TEST(ConnectionLimit, AHangingHostDoesNotHoldUpAnother) {
  LoopbackServer hanging([](Peer& peer) { peer.WaitForEnd(); });
  LoopbackServer quick(LoopbackServer::Answering(&Ok));
  TransportHarness harness({.max_connections_per_host = 1});
  Futures hung, answered;
  for (int i = 0; i < 5; ++i) {
    hung.push_back(harness.Start(Get(hanging.Url())));
    answered.push_back(harness.Start(Get(quick.Url())));
  }
  for (auto& future : answered) EXPECT_TRUE(future.get().ok());
  harness.OnLoop([&] { harness.transport.reset(); });
  for (auto& future : hung) {
    EXPECT_EQ(future.get().status().code(), absl::StatusCode::kUnavailable);
  }
}

TEST(ConnectionLimit, TheTimeInTheQueueCountsTowardsTheDeadline) {
  LoopbackServer hanging([](Peer& peer) { peer.WaitForEnd(); });
  TransportHarness harness({.max_connections_per_host = 1});
  auto first = harness.Start(Get(hanging.Url()));
  HttpRequest request = Get(hanging.Url());
  request.timeout = absl::Milliseconds(50);
  EXPECT_EQ(harness.Send(std::move(request)).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(hanging.connections(), 1);
  harness.OnLoop([&] { harness.transport.reset(); });
  EXPECT_FALSE(first.get().ok());
}

TEST(ConnectionLimit, TheTimeInTheQueueDoesNotCountTowardsConnecting) {
  LoopbackServer slow(LoopbackServer::Answering([](const std::string& request) {
    absl::SleepFor(absl::Milliseconds(250));
    return Ok(request);
  }));
  TransportHarness harness({.max_connections_per_host = 1, .connect_timeout = absl::Seconds(1)});
  Futures futures;
  for (int i = 0; i < 6; ++i) futures.push_back(harness.Start(Get(slow.Url())));
  for (auto& future : futures) EXPECT_TRUE(future.get().ok());
}

TEST(ConnectionLimit, RequestsThatGaveUpMakeRoom) {
  std::atomic<bool> hang{true};
  LoopbackServer server([&](Peer& peer) {
    while (const auto request = peer.ReadRequest()) {
      if (hang) return peer.WaitForEnd();
      peer.Write(Ok(*request));
    }
  });
  TransportHarness harness({.max_connections_per_host = 2, .max_pending_requests = 20});
  Futures futures;
  for (int i = 0; i < 20; ++i) {
    HttpRequest request = Get(server.Url());
    request.timeout = absl::Milliseconds(20 + i % 3);
    futures.push_back(harness.Start(std::move(request)));
  }
  for (auto& future : futures) {
    EXPECT_EQ(future.get().status().code(), absl::StatusCode::kDeadlineExceeded);
  }
  hang = false;
  EXPECT_TRUE(harness.Send(Get(server.Url())).ok());
}

TEST(ConnectionLimit, AFloodUnderOneKeyDoesNotHoldUpAnotherKey) {
  std::vector<std::string> order;  // of one connection's thread
  absl::Notification all_wait;
  std::optional<LoopbackServer> server(LoopbackServer::Answering([&](const std::string& request) {
    order.push_back(request.substr(0, request.find(" HTTP")));
    all_wait.WaitForNotification();
    return Ok(request);
  }));
  Futures futures;
  {
    TransportHarness harness({.max_connections_per_host = 1});
    auto start = [&](const char* path, const char* key) {
      HttpRequest request = Get(server->Url(path));
      request.queue_key = key;
      futures.push_back(harness.Start(std::move(request)));
    };
    for (int i = 0; i < 50; ++i) start("/flood", "a");
    start("/one", "b");
    harness.OnLoop([] {});  // after this they are in the queue
    all_wait.Notify();
    for (auto& future : futures) ASSERT_TRUE(future.get().ok());
  }
  server.reset();  // its thread has ended
  ASSERT_EQ(order.size(), 51u);
  // The first met a free connection. Of those that waited, one of each key.
  EXPECT_EQ(order[1], "GET /flood");
  EXPECT_EQ(order[2], "GET /one");
}

TEST(ConnectionLimit, RequestsWhoseTimeIsOverAreNotSent) {
  LoopbackServer hanging([](Peer& peer) {
    if (peer.ReadRequest().has_value()) peer.WaitForEnd();
  });
  TransportHarness harness({.max_connections_per_host = 4});
  Futures futures;
  harness.OnLoop([&] {  // in one go, so that their times end together
    for (int i = 0; i < 200; ++i) {
      HttpRequest request = Get(hanging.Url());
      request.timeout = absl::Milliseconds(1000 + i % 50);
      futures.push_back(harness.Start(std::move(request)));
    }
  });
  while (hanging.requests() < 4) absl::SleepFor(absl::Milliseconds(1));
  for (auto& future : futures) {
    EXPECT_EQ(future.get().status().code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(hanging.connections(), 4);
  EXPECT_EQ(hanging.requests(), 4);
}

TEST(ConnectionLimit, AServerThatIsTooSlowForAllGetsWhatItCanAnswerInTime) {
  constexpr int kConnections = 2;
  constexpr absl::Duration kTimeout = absl::Seconds(1), kLatency = absl::Milliseconds(100);
  LoopbackServer slow(LoopbackServer::Answering([&](const std::string& request) {
    absl::SleepFor(kLatency);
    return Ok(request);
  }));
  TransportHarness harness({.max_connections_per_host = kConnections});
  Futures futures;
  harness.OnLoop([&] {
    for (int i = 0; i < 100; ++i) {
      HttpRequest request = Get(slow.Url());
      request.timeout = kTimeout + absl::Milliseconds(i);
      futures.push_back(harness.Start(std::move(request)));
    }
  });
  int answered = 0;
  for (auto& future : futures) {
    const auto response = future.get();
    if (response.ok()) {
      ++answered;
    } else {
      EXPECT_EQ(response.status().code(), absl::StatusCode::kDeadlineExceeded);
    }
  }
  EXPECT_GE(answered, kConnections);
  // One more each for the last 100 ms.
  EXPECT_LE(slow.requests(), kConnections * (1 + static_cast<int>(kTimeout / kLatency)));
  EXPECT_TRUE(harness.Send(Get(slow.Url())).ok());
}

TEST(ConnectionLimit, MoreRequestsThanMayWaitAreRefused) {
  LoopbackServer hanging([](Peer& peer) { peer.WaitForEnd(); });
  TransportHarness harness({.max_connections_per_host = 1, .max_pending_requests = 3});
  Futures waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(harness.Start(Get(hanging.Url())));
  EXPECT_EQ(harness.Send(Get(hanging.Url())).status().code(), absl::StatusCode::kResourceExhausted);
  harness.OnLoop([&] { harness.transport.reset(); });
  for (auto& future : waiting) EXPECT_FALSE(future.get().ok());
}

TEST(ConnectionLimit, ADeadConnectionIsReplacedOnce) {
  LoopbackServer server(&AnswerOnce);
  TransportHarness harness;
  ASSERT_TRUE(harness.Send(Get(server.Url())).ok());
  EXPECT_TRUE(harness.Send(Get(server.Url())).ok());
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(server.requests(), 3);  // the second one twice
}

TEST(ConnectionLimit, ARequestIsSentAtMostTwice) {
  // Three kept connections, all of which hang up on their second request.
  std::atomic<int> arrived{0};
  LoopbackServer server([&](Peer& peer) {
    if (!peer.ReadRequest().has_value()) return;
    ++arrived;
    while (arrived < 3) absl::SleepFor(absl::Milliseconds(1));  // so that each has its connection
    peer.Write(Answer("200 OK", ""));
    peer.ReadRequest();
  });
  TransportHarness harness;
  Futures futures;
  for (int i = 0; i < 3; ++i) futures.push_back(harness.Start(Get(server.Url())));
  for (auto& future : futures) ASSERT_TRUE(future.get().ok());
  ASSERT_EQ(server.connections(), 3);
  EXPECT_EQ(harness.Send(Get(server.Url())).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server.requests(), 5);
}

TEST(ConnectionLimit, WhatMayBeSentOnceIsSentOnceOnANewConnection) {
  LoopbackServer server(&AnswerOnce);
  TransportHarness harness;
  for (int sent = 1; sent <= 3; ++sent) {
    HttpRequest request = Get(server.Url());
    request.send_once = true;
    ASSERT_TRUE(harness.Send(std::move(request)).ok());
    EXPECT_EQ(server.requests(), sent);
    EXPECT_EQ(server.connections(), sent);
  }
}

}  // namespace
}  // namespace tokensvc
