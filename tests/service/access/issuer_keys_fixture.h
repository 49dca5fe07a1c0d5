// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_ACCESS_ISSUER_KEYS_FIXTURE_H_
#define TOKENSVC_TESTS_SERVICE_ACCESS_ISSUER_KEYS_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asio/io_context.hpp"
#include "service/access/http_jwk_set_source.h"
#include "service/access/refreshing_issuer_keys.h"
#include "tests/service/jose/jwt_testing.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_http_transport.h"

namespace tokensvc::testing {

/// An issuer that answers by script, and a loop that runs when the test says so.
class IssuerKeysFixture : public ::testing::Test {
 protected:
  using Snapshot = IssuerKeys::Snapshot;
  using Answer = std::shared_ptr<std::optional<Snapshot>>;

  ~IssuerKeysFixture() override {
    EXPECT_EQ(logger_.AllText().find("canary"), std::string::npos) << logger_.AllText();
  }

  std::shared_ptr<RefreshingIssuerKeys> MakeKeys(IssuerKeysPolicy policy = IssuerKeysPolicy()) {
    auto source = std::make_unique<HttpJwkSetSource>(issuer_, jwks_url_, transport_);
    return RefreshingIssuerKeys::Create("main", std::move(source), policy, environment_);
  }

  /// Runs what can run.
  void Poll() {
    loop_.restart();
    loop_.poll();
  }

  /// Runs until `done` holds, also where it takes time.
  void RunUntil(const std::function<bool()>& done) {
    loop_.restart();
    while (!done() && loop_.run_one() > 0) {
    }
  }

  /// Asks, lets happen what that sets off, and asks again.
  Snapshot Ask(IssuerKeys& keys) {
    keys.Current();
    Poll();
    return keys.Current();
  }

  static Answer Wait(IssuerKeys& keys, Snapshot seen, absl::Duration at_most = absl::Minutes(1)) {
    auto answer = std::make_shared<std::optional<Snapshot>>();
    keys.WaitForNewer(std::move(seen), at_most, [answer](Snapshot newer) {
      EXPECT_FALSE(answer->has_value()) << "called twice";
      *answer = std::move(newer);
    });
    return answer;
  }

  static std::string SetOf(const std::string& kid) { return JwkSetText({JwkOf(EcKey(), kid)}); }

  static Authority MakeIssuer() {
    Authority issuer;
    issuer.name = "main";
    issuer.issuer = kTestIssuer;
    issuer.ca_file = "ca.pem";
    issuer.request_timeout = absl::Seconds(3);
    return issuer;
  }

  FakeHttpTransport transport_;
  FakeClock clock_;
  CapturingLogger logger_;
  MetricRegistry registry_;
  IssuerKeysMetrics metrics_{registry_};
  Authority issuer_ = MakeIssuer();
  std::string jwks_url_ = "https://keys.example/jwks";
  asio::io_context loop_{1};
  const RefreshingIssuerKeys::Environment environment_{loop_, clock_, logger_, metrics_};
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_SERVICE_ACCESS_ISSUER_KEYS_FIXTURE_H_
