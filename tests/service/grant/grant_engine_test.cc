// SPDX-License-Identifier: Apache-2.0
#include "service/grant/grant_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/io_context.hpp"
#include "base/random.h"
#include "base/worker_pool.h"
#include "service/credential/client_credential.h"
#include "service/credential/credential_environment.h"
#include "service/grant/client_credentials_grant.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_http_transport.h"

namespace tokensvc {
namespace {

using ::testing::SizeIs;

/// A secret that is simply there.
class FixedSecret final : public ClientCredential {
 public:
  const std::string& id() const override { return id_; }
  asio::awaitable<absl::Status> AddTo(TokenEndpointRequest& request) override {
    request.form.emplace_back("client_secret", Secret::CopyOf("s3cret"));
    co_return absl::OkStatus();
  }
  std::uint64_t version() const override { return 1; }

 private:
  const std::string id_ = "orders/0";
};

class GrantEngineTest : public ::testing::Test {
 protected:
  GrantEngineTest() {
    transport_.SetHandler([](const HttpRequest& request) {
      return request.method == HttpRequest::Method::kGet
                 ? testing::MakeResponse(
                       200,
                       R"({"issuer":"https://login.example","token_endpoint":"https://login.example/token"})")
                 : testing::MakeResponse(
                       200, R"({"access_token":"t","token_type":"Bearer","expires_in":3600})");
    });
  }

  std::shared_ptr<const Registration> MakeRegistration(std::string client_id,
                                                       AuthorityKind kind = AuthorityKind::kEntra) {
    auto authority = std::make_shared<Authority>();
    authority->name = "main";
    authority->kind = kind;
    authority->base_url = "https://login.example";
    authority->issuer = "https://login.example";
    authority->instance_discovery = false;
    auto registration = std::make_shared<Registration>();
    registration->name = "orders";
    registration->authority = std::move(authority);
    registration->client_id = std::move(client_id);
    std::vector<std::shared_ptr<ClientCredential>> credentials = {std::make_shared<FixedSecret>()};
    const CredentialEnvironment environment{clock_, random_, workers_, logger_,
                                            credential_metrics_};
    registration->credentials =
        std::make_shared<CredentialList>(std::move(credentials), environment);
    return registration;
  }

  static asio::awaitable<void> Ask(GrantEngine* engine,
                                   std::shared_ptr<const Registration> registration,
                                   std::string tenant, bool* got_token) {
    auto grant = std::make_shared<const ClientCredentialsGrant>(ClientCredentialsGrant::Params());
    GrantContext context;
    auto pending = engine->Redeem(std::move(registration), std::move(tenant), std::move(grant),
                                  std::move(context));
    const Result<RedeemedToken> result = co_await std::move(pending);
    *got_token = result.ok();
  }

  /// The key that the transport gets with the token request.
  std::string QueueKeyOf(std::shared_ptr<const Registration> registration, std::string tenant) {
    bool got_token = false;
    asio::co_spawn(loop_, Ask(&engine_, std::move(registration), std::move(tenant), &got_token),
                   asio::detached);
    loop_.restart();
    loop_.poll();
    EXPECT_TRUE(got_token);
    if (transport_.requests().empty()) return "nothing was sent";
    EXPECT_EQ(transport_.requests().back().method, HttpRequest::Method::kPost);
    return transport_.requests().back().queue_key;
  }

  testing::FakeHttpTransport transport_;
  testing::FakeClock clock_;
  testing::CapturingLogger logger_;
  SystemRandom random_;
  WorkerPool workers_{1, 10};
  MetricRegistry registry_;
  AuthorityMetrics authority_metrics_{registry_};
  CredentialMetrics credential_metrics_{registry_, clock_};
  GrantMetrics metrics_{registry_};
  AuthorityMetadata metadata_{transport_, clock_, logger_, authority_metrics_};
  ManagedIdentityMetrics identity_metrics_{registry_};
  ManagedIdentityClient identities_{{transport_, clock_, workers_, logger_, identity_metrics_}};
  GrantEngine engine_{{transport_, metadata_, identities_, clock_, logger_, metrics_}};
  asio::io_context loop_{1};
};

TEST_F(GrantEngineTest, TenantsWaitInLinesOfTheirOwn) {
  const auto registration = MakeRegistration("orders-service");
  const std::string key = QueueKeyOf(registration, "contoso.example");
  EXPECT_EQ(QueueKeyOf(registration, "contoso.example"), key);
  EXPECT_NE(QueueKeyOf(registration, "fabrikam.example"), key);
}

TEST_F(GrantEngineTest, ClientsOfATenantWaitInLinesOfTheirOwn) {
  EXPECT_NE(QueueKeyOf(MakeRegistration("orders-service"), "contoso.example"),
            QueueKeyOf(MakeRegistration("billing-service"), "contoso.example"));
}

TEST_F(GrantEngineTest, DiscoveryWaitsInNobodysLine) {
  const std::string key = QueueKeyOf(MakeRegistration("orders-service", AuthorityKind::kOidc), "");
  ASSERT_THAT(transport_.requests(), SizeIs(2));
  EXPECT_EQ(transport_.requests()[0].queue_key, "");
  EXPECT_NE(key, "");
}

}  // namespace
}  // namespace tokensvc
