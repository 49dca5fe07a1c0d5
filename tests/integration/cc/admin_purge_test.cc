// SPDX-License-Identifier: Apache-2.0
// Purges as an operator asks for them: by the AdminService of one replica, for all.
#include <string>

#include "absl/strings/str_replace.h"
#include "tests/integration/cc/shared_cache_fixture.h"
#include "tokensvc/admin/v1/admin_service.grpc.pb.h"

namespace tokensvc::testing {
namespace {

class AdminPurgeTest : public SharedCacheFixture {
 protected:
  AdminPurgeTest() { StartRedis(); }

  std::unique_ptr<ServiceReplica> StartAdministered(std::uint16_t port) const {
    std::string configuration =
        Configuration(CacheBlock(port, {"sealing", "index"}, "    plaintext: {}\n"));
    EXPECT_EQ(absl::StrReplaceAll(
                  {{"reflection: true}]\n",
                    "reflection: true}, {name: admin, address: \"127.0.0.1:0\", plaintext: {}, "
                    "identity: operator, serves: admin}]\n"},
                   {"policy: {rules", "policy: {administrators: [\"local:operator\"], rules"}},
                  &configuration),
              2);
    return StartReplicaWith(configuration);
  }

  static grpc::Status Purge(const ServiceReplica& replica, admin::v1::PurgeCacheResponse* response,
                            std::chrono::seconds deadline = std::chrono::seconds(20)) {
    const auto stub = admin::v1::AdminService::NewStub(grpc::CreateChannel(
        replica.server->Addresses().at(1).second, grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + deadline);
    admin::v1::PurgeCacheRequest request;
    request.mutable_tenant()->set_authority("dev");
    request.mutable_tenant()->set_tenant(kTenant);
    return stub->PurgeCache(&context, request, response);
  }
};

TEST_F(AdminPurgeTest, ReachesTheOtherReplica) {
  const auto a = StartAdministered(redis_->port()), b = StartAdministered(redis_->port());
  const std::string token = a->MustAcquire(Request()).access_token().value();
  EXPECT_EQ(b->MustAcquire(Request()).access_token().value(), token);
  admin::v1::PurgeCacheResponse response;
  const grpc::Status status = Purge(*a, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.shared());
  EXPECT_NE(a->MustAcquire(Request()).access_token().value(), token);
  EXPECT_TRUE(
      Eventually([&] { return b->MustAcquire(Request()).access_token().value() != token; }));
  EXPECT_EQ(a->Logged("admin_action", "outcome", "done"), 1u);
}

TEST_F(AdminPurgeTest, SaysWhenTheOthersCouldNotBeTold) {
  const auto a = StartAdministered(redis_->port());
  const std::string token = a->MustAcquire(Request()).access_token().value();
  redis_.reset();
  admin::v1::PurgeCacheResponse response;
  EXPECT_EQ(Purge(*a, &response, std::chrono::seconds(5)).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_NE(a->MustAcquire(Request()).access_token().value(), token) << "it holds here";
  EXPECT_EQ(a->Logged("admin_action", "outcome", "SHARED_CACHE_UNAVAILABLE"), 1u);
}

}  // namespace
}  // namespace tokensvc::testing
