// SPDX-License-Identifier: Apache-2.0
// What a listener shows besides the service itself: health, reflection, TLS.
#include <grpcpp/generic/generic_stub.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "service/config/load_config.h"
#include "tests/authority/test_certificates.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;

class ListenerTest : public ServiceFixture {
 protected:
  /// Sends `request` as it is; the answer's bytes go to `answer`.
  static grpc::Status Call(const std::string& address, const std::string& method,
                           const std::string& request, std::string* answer) {
    grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const grpc::Slice slice(request);
    const grpc::ByteBuffer sent(&slice, 1);
    grpc::ByteBuffer received;
    grpc::Status status;
    absl::Notification ended;
    stub.UnaryCall(&context, method, {}, &sent, &received, [&](grpc::Status result) {
      status = std::move(result);
      ended.Notify();
    });
    ended.WaitForNotification();
    std::vector<grpc::Slice> slices;
    if (status.ok() && received.Dump(&slices).ok()) {
      for (const grpc::Slice& each : slices) {
        answer->append(reinterpret_cast<const char*>(each.begin()), each.size());
      }
    }
    return status;
  }

  /// The status of an empty request to `method`: UNIMPLEMENTED where nothing answers there.
  static grpc::StatusCode Probe(const std::string& address, const std::string& method) {
    std::string ignored;
    return Call(address, method, "", &ignored).error_code();
  }

  grpc::Status Check(const std::string& service, std::string* answer) {
    // HealthCheckRequest{service = 1}
    const std::string request = std::string("\x0a") + static_cast<char>(service.size()) + service;
    return Call(Address(), "/grpc.health.v1.Health/Check", request, answer);
  }
};

constexpr char kHealth[] = "/grpc.health.v1.Health/Check";
constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

TEST_F(ListenerTest, EachListenerSwitchesItsOwnHealthAndReflection) {
  Start();
  std::string configuration = Configuration();
  const std::string one = "reflection: true}";
  configuration.replace(configuration.find(one), one.size(),
                        "reflection: true}, {name: quiet, address: \"127.0.0.1:0\", plaintext: {}, "
                        "identity: quiet, health: false}");
  server_.reset();
  StartService(configuration);
  const auto addresses = server_->Addresses();
  ASSERT_EQ(addresses.size(), 3u);
  EXPECT_NE(Probe(addresses[0].second, kReflection), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Probe(addresses[1].second, kReflection), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Probe(addresses[0].second, kHealth), grpc::StatusCode::OK);
  EXPECT_EQ(Probe(addresses[1].second, kHealth), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ListenerTest, HealthKnowsLiveReadyAndTheService) {
  Start();
  const std::string serving("\x08\x01", 2);  // HealthCheckResponse{status = SERVING}
  for (const char* service : {"live", "ready", "", "tokensvc.v1.TokenService"}) {
    std::string answer;
    EXPECT_TRUE(Check(service, &answer).ok()) << service;
    EXPECT_EQ(answer, serving) << service;
  }
  std::string answer;
  EXPECT_EQ(Check("no-such", &answer).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ListenerTest, ATlsListenerServesOverTlsOnly) {
  Start();
  auto certificates = TestCertificates::Create(dir_);
  ASSERT_TRUE(certificates.ok());
  auto leaf = (*certificates)->IssueServer("listener");
  ASSERT_TRUE(leaf.ok());
  std::string configuration = Configuration();
  const std::string one = "plaintext: {}";
  configuration.replace(configuration.find(one), one.size(),
                        absl::StrCat("tls: {certificate_file: \"", leaf->certificate,
                                     "\", private_key_file: \"", leaf->private_key, "\"}"));
  server_.reset();
  StartService(configuration);
  v1::AcquireForClientResponse response;
  EXPECT_EQ(Acquire(Request(), &response, absl::Seconds(2)).error_code(),
            grpc::StatusCode::UNAVAILABLE);

  std::ifstream ca((*certificates)->ca_file());
  std::stringstream roots;
  roots << ca.rdbuf();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = roots.str();
  channel_ = grpc::CreateChannel(Address(), grpc::SslCredentials(options));
  stub_ = v1::TokenService::NewStub(channel_);
  MustAcquire(Request());
}

TEST_F(ListenerTest, AnAddressThatIsTakenIsAClearError) {
  Start();
  std::string configuration = Configuration();
  const std::string one = "127.0.0.1:0";
  configuration.replace(configuration.find(one), one.size(), Address());
  auto config = ParseConfig(configuration);
  ASSERT_TRUE(config.ok());
  const auto second = Server::Start(*config, clock_, logger_);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(Address()));
}

}  // namespace
}  // namespace tokensvc::testing
