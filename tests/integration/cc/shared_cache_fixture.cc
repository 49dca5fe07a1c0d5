// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/cc/shared_cache_fixture.h"

#include <grpcpp/generic/generic_stub.h>
#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/random.h"
#include "service/config/load_config.h"

namespace tokensvc::testing {

grpc::Status ServiceReplica::Acquire(const v1::AcquireForClientRequest& request,
                                     v1::AcquireForClientResponse* response) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  return stub->AcquireForClient(&context, request, response);
}

v1::AcquireForClientResponse ServiceReplica::MustAcquire(
    const v1::AcquireForClientRequest& request) const {
  v1::AcquireForClientResponse response;
  const grpc::Status status = Acquire(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

grpc::health::v1::HealthCheckResponse::ServingStatus ServiceReplica::Health(
    const std::string& service) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  grpc::TemplatedGenericStub<grpc::health::v1::HealthCheckRequest,
                             grpc::health::v1::HealthCheckResponse>
      health(channel);
  grpc::CompletionQueue queue;
  const auto call =
      health.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  grpc::Status status;
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok) && status.ok()) << status.error_message();
  return response.status();
}

double ServiceReplica::Metric(const std::string& name) const {
  httplib::Client client("http://" + server->Addresses().back().second);
  const auto answer = client.Get("/metrics");
  EXPECT_TRUE(answer) << "no metrics";
  if (!answer) return 0;
  const std::vector<absl::string_view> lines = absl::StrSplit(answer->body, '\n');
  for (const absl::string_view line : lines) {
    if (!absl::StartsWith(line, name + " ")) continue;
    return std::strtod(std::string(line.substr(name.size() + 1)).c_str(), nullptr);
  }
  return 0;
}

std::size_t ServiceReplica::Logged(const std::string& event, const std::string& field,
                                   const std::string& value) const {
  const std::vector<CapturingLogger::Line> lines = logger.lines();
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [&](const CapturingLogger::Line& line) {
        const auto found = line.fields.find(field);
        return line.event == event && found != line.fields.end() && found->second == value;
      }));
}

SharedCacheFixture::SharedCacheFixture() {
  WriteFile("secret", kSecretCanary);
  DevAuthority::Options options;
  options.clients.push_back({"orders-service", {kSecretCanary}, {}, {"Orders.Read"}});
  StartAuthority(std::move(options));
  WriteKeys("sealing", KeyPurpose::kSealing);
  WriteKeys("index", KeyPurpose::kIndex);
}

void SharedCacheFixture::StartRedis(RedisServer::Options options) {
  redis_ = std::make_unique<RedisServer>(std::move(options));
}

void SharedCacheFixture::WriteKeys(const std::string& name, KeyPurpose purpose) const {
  SystemRandom random;
  const KeyRing ring = KeyRing::MakeRandom(purpose, random);
  const Secret line = KeyFileLine(purpose, KeyState::kPrimary, ring.primary().bytes);
  WriteFile(name, std::string(line.Reveal()));
}

std::string SharedCacheFixture::CacheBlock(std::uint16_t port, const KeyFileNames& keys,
                                           const std::string& more) const {
  return absl::StrCat("cache:\n  redis:\n    address: \"127.0.0.1:", port,
                      "\"\n    sealing_keys_file: ", Path(keys.sealing),
                      "\n    index_keys_file: ", Path(keys.index), "\n", more);
}

std::unique_ptr<ServiceReplica> SharedCacheFixture::StartReplicaWith(
    const std::string& configuration) {
  auto replica = std::make_unique<ServiceReplica>();
  const auto config = ParseConfig(configuration);
  EXPECT_TRUE(config.ok());
  auto server = Server::Start(*config, replica->clock, replica->logger);
  EXPECT_TRUE(server.ok()) << server.status();
  replica->server = *std::move(server);
  replica->channel = grpc::CreateChannel(replica->server->Addresses().front().second,
                                         grpc::InsecureChannelCredentials());
  replica->stub = v1::TokenService::NewStub(replica->channel);
  EXPECT_TRUE(Eventually([&] { return replica->logger.Count("redis_connected") > 0; }))
      << replica->logger.AllText();
  return replica;
}

bool SharedCacheFixture::Eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace tokensvc::testing
