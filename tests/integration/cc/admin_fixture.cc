// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/cc/admin_fixture.h"

#include "absl/strings/str_cat.h"
#include "service/config/load_config.h"

namespace tokensvc::testing {

std::string AdminFixture::AdminConfiguration(const std::string& more) const {
  std::string listeners =
      "listeners:\n"
      "  - {name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests, reflection: "
      "true}\n";
  for (const char* role : {"administrator", "observer", "nobody"}) {
    absl::StrAppend(&listeners, "  - {name: ", role,
                    ", address: \"127.0.0.1:0\", plaintext: {}, identity: ", role,
                    ", serves: admin, reflection: true}\n");
  }
  const std::string policy =
      "policy:\n"
      "  administrators: [\"local:administrator\"]\n"
      "  observers: [\"local:observer\"]\n"
      "  rules:\n"
      "    - {name: tests, callers: [\"local:tests\"], registrations: [orders], tenants: [\"*\"], "
      "grants: [client_credentials], scopes: [\"*\"]}\n";
  // The rest is as everywhere: what stands before the metrics is replaced.
  const std::string usual = Configuration(more);
  return absl::StrCat(listeners, policy, usual.substr(usual.find("metrics:")));
}

void AdminFixture::StartAdmin(const std::string& more) {
  WriteFile("secret", kSecretCanary);
  DevAuthority::Options options;
  options.clients.push_back({"orders-service", {kSecretCanary}, {}, {"Orders.Read"}});
  StartAuthority(std::move(options));
  if (authority_ == nullptr) return;
  WriteConfiguration(AdminConfiguration(more));
  reloader_ = std::make_unique<ConfigReloader>(Path("tokensvc.yaml"), clock_);
  auto config = reloader_->Read();
  ASSERT_TRUE(config.ok()) << FormatConfigErrors("tokensvc.yaml", config.error());
  auto server = Server::Start(*config, clock_, logger_, &reloads_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  channel_ = grpc::CreateChannel(Address(), grpc::InsecureChannelCredentials());
  stub_ = v1::TokenService::NewStub(channel_);
  reader_ = std::thread([this] { ReadWhenAsked(); });
}

void AdminFixture::ReadWhenAsked() {
  for (;;) {
    {
      MutexLock lock(&mutex_);
      while (!woken_ && !ended_) changed_.Wait(&mutex_);
      if (ended_) return;
      woken_ = false;
    }
    reloads_.Serve([this](bool asked) {
      return reloader_->Poll(asked, logger_, [this](const config::v1::ServiceConfig& config) {
        return server_->Reload(config);
      });
    });
  }
}

void AdminFixture::StopReading() {
  {
    MutexLock lock(&mutex_);
    ended_ = true;
    changed_.NotifyAll();
  }
  if (reader_.joinable()) reader_.join();
  reloads_.Close();
  server_.reset();  // Before what it was lent.
}

std::string AdminFixture::AddressOf(const std::string& listener) const {
  for (const auto& [name, address] : server_->Addresses()) {
    if (name == listener) return address;
  }
  return "";
}

std::unique_ptr<AdminFixture::Stub> AdminFixture::AtListener(const std::string& listener) const {
  return admin::v1::AdminService::NewStub(
      grpc::CreateChannel(AddressOf(listener), grpc::InsecureChannelCredentials()));
}

}  // namespace tokensvc::testing
