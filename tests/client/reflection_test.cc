// SPDX-License-Identifier: Apache-2.0
// A binary of its own: whoever links libgrpc++_reflection has reflection on in every server.
#include "client/tokenctl/commands.h"
#include "gmock/gmock.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "gtest/gtest.h"
#include "tests/client/command_fixture.h"

namespace tokensvc::tokenctl {
namespace {

using ::testing::HasSubstr;

class ReflectionTest : public CommandTest {
 protected:
  static void SetUpTestSuite() { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); }
};

TEST_F(ReflectionTest, CheckListsTheServices) {
  server_.SetServing("live", true);
  server_.SetServing("ready", true);
  options_.acquire.registration.clear();
  EXPECT_EQ(Run(Command::kCheck), kExitOk) << out();
  EXPECT_THAT(out(), HasSubstr("ok    services  "));
  EXPECT_THAT(out(), HasSubstr("tokensvc.v1.TokenService"));
}

}  // namespace
}  // namespace tokensvc::tokenctl
