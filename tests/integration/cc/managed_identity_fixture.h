// SPDX-License-Identifier: Apache-2.0
// The whole service beside a platform that hands out managed identities' tokens, and an authority
// that trusts them.
#ifndef TOKENSVC_TESTS_INTEGRATION_CC_MANAGED_IDENTITY_FIXTURE_H_
#define TOKENSVC_TESTS_INTEGRATION_CC_MANAGED_IDENTITY_FIXTURE_H_

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/authority/managed_identity_endpoint.h"
#include "tests/authority/test_certificates.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {

inline constexpr char kIssuer[] = "https://login.example/11111111-1111-1111-1111-111111111111/v2.0";
inline constexpr char kClientId[] = "22222222-2222-2222-2222-222222222222";
inline constexpr char kObjectId[] = "33333333-3333-3333-3333-333333333333";
inline constexpr char kResourceId[] =
    "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/"
    "userAssignedIdentities/orders";
inline constexpr char kAudience[] = "api://AzureADTokenExchange";
inline constexpr char kHeader[] = "canary-1dentity-header-77c1";

inline std::string ReadWholeFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

class ManagedIdentityFixture : public ServiceFixture {
 protected:
  using ManagedIdentityEndpoint = devauth::ManagedIdentityEndpoint;
  using Shape = ManagedIdentityEndpoint::Shape;

  ManagedIdentityFixture() {
    std::filesystem::create_directory(Path("keys"));
    WriteFile("header", kHeader);
    platform_options_.identities = {{"", "", "", kObjectId},
                                    {kClientId, kObjectId, kResourceId, kObjectId}};
    platform_options_.issuer = kIssuer;
    platform_options_.identity_header = kHeader;
    platform_options_.key_directory = Path("keys");
    platform_options_.now = [this] { return clock_.Now(); };
  }

  void StartPlatform(Shape shape) {
    auto certificates = TestCertificates::Create(dir_);
    ASSERT_TRUE(certificates.ok());
    auto tenant = (*certificates)->IssueClient("tenant");
    ASSERT_TRUE(tenant.ok());
    auto key = devauth::SigningKey::FromPem(ReadWholeFile(tenant->private_key));
    ASSERT_TRUE(key.ok());
    platform_options_.shape = shape;
    auto platform = ManagedIdentityEndpoint::Start(platform_options_, *std::move(key));
    ASSERT_TRUE(platform.ok());
    platform_ = *std::move(platform);

    DevAuthority::Options options;
    options.now = [this] { return clock_.Now(); };
    DevAuthority::Client client;
    client.id = "orders-service";
    client.secrets = {kSecretCanary};
    client.federated.push_back({kIssuer, kObjectId, kAudience, ReadWholeFile(tenant->certificate)});
    options.clients.push_back(std::move(client));
    StartAuthority(std::move(options));
  }

  /// What a registration's `credentials` list holds for the platform, with further keys.
  std::string Identity(const std::string& more = "") const {
    const Shape shape = platform_options_.shape;
    return absl::StrCat("{managed_identity: {source: ",
                        shape == Shape::kImds         ? "IMDS"
                        : shape == Shape::kAppService ? "APP_SERVICE"
                                                      : "AZURE_ARC",
                        ", endpoint: \"", platform_->url(), "\"",
                        shape == Shape::kAppService
                            ? absl::StrCat(", identity_header: \"file:", Path("header"), "\"")
                        : shape == Shape::kAzureArc
                            ? absl::StrCat(", key_directory: \"", Path("keys"), "\"")
                            : "",
                        more.empty() ? "" : ", ", more, "}}");
  }

  std::string ConfigurationWith(const std::string& credentials, int loops = 1) const {
    std::string text = absl::StrCat(
        "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests}]\n"
        "policy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], "
        "grants: [\"*\"], "
        "scopes: [\"*\"]}]}\n"

        "metrics: {address: \"127.0.0.1:0\"}\n"
        "server: {loops: ",
        loops,
        "}\n"
        "authorities: [{name: dev, entra: {base_url: \"",
        authority_->base_url(),
        "\", instance_discovery: false}}]\n"
        "registrations:\n");
    for (const char* name : {"orders", "billing"}) {
      absl::StrAppend(
          &text, "  - {name: ", name, ", authority: dev, client_id: orders-service, tenants: [\"",
          kTenant, "\"], default_tenant: \"", kTenant, "\", credentials: [", credentials, "]}\n");
    }
    return text;
  }

  void StartBoth(Shape shape, const std::string& more = "", int loops = 1) {
    StartPlatform(shape);
    StartService(ConfigurationWith(Identity(more), loops));
  }

  static v1::AcquireForClientRequest Forced() {
    auto request = Request();
    request.set_force_refresh(true);
    return request;
  }

  /// Nothing of the platform's is in a log, metric or status either.
  void ExpectNothingShown(const ReadStatus& status = {}) const {
    ExpectNoCanary(status);
    const std::string all = logger_.AllText() + Metrics() + status.everything;
    EXPECT_THAT(all, ::testing::Not(::testing::HasSubstr(kHeader)));
    const std::string token = platform_->last_token();
    if (!token.empty()) {
      EXPECT_THAT(all, ::testing::Not(::testing::HasSubstr(token.substr(token.rfind('.')))));
    }
    for (const std::string& key : platform_->keys())
      EXPECT_THAT(all, ::testing::Not(::testing::HasSubstr(key)));
  }

  /// That calls fail for now, as they do while an authority is away, and how.
  void ExpectUnavailable() {
    const ReadStatus status = MustFail(Request());
    EXPECT_EQ(status.code, grpc::StatusCode::UNAVAILABLE) << status.message;
    EXPECT_EQ(status.reason, "AUTHORITY_UNAVAILABLE");
    EXPECT_TRUE(status.retry_after.has_value());
    EXPECT_EQ(TokenRequests(), 0);
    ExpectNothingShown(status);
  }

  void ExpectMisconfigured(const std::string& why) {
    const ReadStatus status = MustFail(Request());
    EXPECT_EQ(status.code, grpc::StatusCode::FAILED_PRECONDITION) << status.message;
    EXPECT_EQ(status.reason, "REGISTRATION_MISCONFIGURED");
    EXPECT_EQ(TokenRequests(), 0);
    EXPECT_THAT(logger_.AllText(), ::testing::HasSubstr(why));
    ExpectNothingShown(status);
  }

  ManagedIdentityEndpoint::Options platform_options_;
  std::unique_ptr<ManagedIdentityEndpoint> platform_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_INTEGRATION_CC_MANAGED_IDENTITY_FIXTURE_H_
