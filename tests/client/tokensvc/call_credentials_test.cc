// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/call_credentials.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/tokensvc/scripted_service.h"

namespace tokensvc::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A resource behind a channel that gRPC calls secure because it cannot leave the machine.
class CallCredentialsTest : public ::testing::Test {
 protected:
  grpc::Status CallResource(const std::shared_ptr<grpc::ChannelCredentials>& channel_credentials) {
    const auto stub =
        v1::TokenService::NewStub(grpc::CreateChannel(resource_.address(), channel_credentials));
    return CallResource(*stub);
  }

  grpc::Status CallResource(v1::TokenService::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    v1::AcquireForClientResponse response;
    return stub.AcquireForClient(&context, v1::AcquireForClientRequest(), &response);
  }

  std::shared_ptr<grpc::ChannelCredentials> Secure() {
    return grpc::CompositeChannelCredentials(grpc::experimental::LocalCredentials(LOCAL_TCP),
                                             credentials_);
  }

  ScriptedService service_;
  ScriptedService resource_{grpc::experimental::LocalServerCredentials(LOCAL_TCP)};
  std::shared_ptr<AuthorizationHeaderProvider> provider_ =
      std::make_shared<AuthorizationHeaderProvider>(service_.MakeClient());
  std::shared_ptr<grpc::CallCredentials> credentials_ =
      MakeCallCredentials(provider_, OrdersRequest());
};

TEST_F(CallCredentialsTest, EveryCallCarriesTheTokenAndTheServiceIsAskedOnce) {
  const auto stub = v1::TokenService::NewStub(grpc::CreateChannel(resource_.address(), Secure()));
  for (int i = 0; i < 3; ++i) {
    const grpc::Status status = CallResource(*stub);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  const auto seen = resource_.seen();
  ASSERT_EQ(seen.size(), 3u);
  for (const auto& call : seen) EXPECT_THAT(call.authorization, ElementsAre("Bearer token-1"));
  EXPECT_EQ(service_.calls(), 1);
}

TEST_F(CallCredentialsTest, CallsThatWaitForTheTokenShareIt) {
  service_.Hold();
  const auto stub = v1::TokenService::NewStub(grpc::CreateChannel(resource_.address(), Secure()));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(CallResource(*stub).ok()); });
  }
  service_.LetGo();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(service_.calls(), 1);
  EXPECT_EQ(resource_.calls(), 8);
}

TEST_F(CallCredentialsTest, ACallWithoutATokenFailsAndDoesNotReachTheResource) {
  service_.Fail({Refusal(grpc::StatusCode::UNAVAILABLE, "AUTHORITY_UNAVAILABLE")});
  const grpc::Status status = CallResource(Secure());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("AUTHORITY_UNAVAILABLE"));
  EXPECT_EQ(resource_.calls(), 0);
}

TEST_F(CallCredentialsTest, ThePlaceWhereACallFailedIsNotMistaken) {
  service_.Fail({Refusal(grpc::StatusCode::PERMISSION_DENIED, "POLICY_DENIED"),
                 Refusal(grpc::StatusCode::FAILED_PRECONDITION, "REGISTRATION_MISCONFIGURED")});
  const grpc::Status denied = CallResource(Secure());
  EXPECT_EQ(denied.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(denied.error_message(), HasSubstr("POLICY_DENIED"));
  const grpc::Status misconfigured = CallResource(Secure());
  EXPECT_EQ(misconfigured.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(misconfigured.error_message(), HasSubstr("REGISTRATION_MISCONFIGURED"));
  EXPECT_EQ(resource_.calls(), 0);
}

TEST_F(CallCredentialsTest, ATokenIsNeverSentInClear) {
  ScriptedService in_clear;
  const auto stub = v1::TokenService::NewStub(
      grpc::CreateChannel(in_clear.address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  context.set_credentials(credentials_);
  v1::AcquireForClientResponse response;
  EXPECT_FALSE(stub->AcquireForClient(&context, v1::AcquireForClientRequest(), &response).ok());
  EXPECT_THAT(in_clear.seen(), IsEmpty());
}

}  // namespace
}  // namespace tokensvc::client
