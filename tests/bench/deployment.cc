// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/deployment.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/random.h"

namespace tokensvc::bench {
namespace {

constexpr absl::Duration kStart = absl::Seconds(10);

std::string MakeTempDir() {
  std::string path = (std::filesystem::temp_directory_path() / "tokensvc-bench-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    std::fprintf(stderr, "can't make a temporary directory\n");
    std::exit(1);
  }
  return path;
}

/// The address behind the `place`-th name of a ready file.
std::string AddressIn(const std::string& ready, std::size_t place) {
  const std::vector<std::string> words = absl::StrSplit(ready, absl::ByAnyChar(" \n"));
  return words.size() < 2 * place + 2 ? "" : words[2 * place + 1];
}

std::unique_ptr<v1::TokenService::Stub> StubOf(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments channel;
  channel.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::TokenService::NewStub(grpc::CreateCustomChannel(address, credentials, channel));
}

void Prepare(grpc::ClientContext& context, const std::string& authorization) {
  if (!authorization.empty()) context.AddMetadata("authorization", authorization);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
}

bool Report(const grpc::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "a call failed: %s\n", status.error_message().c_str());
  return status.ok();
}

}  // namespace

Deployment::Deployment(Programs programs, IdentityKind identity)
    : programs_(std::move(programs)), directory_(MakeTempDir()), identity_(identity, directory_) {
  SystemRandom random;
  const std::string secret = WriteFile("secret", MakeUuid(random));
  authority_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{programs_.authority, "--port", "0", "--client",
                               absl::StrCat("bench=", secret), "--ready-file", Path("authority")},
      Path("authority.log"));
  authority_url_ = WaitForFile(Path("authority"), kStart);
  absl::StripAsciiWhitespace(&authority_url_);
}

Deployment::~Deployment() {
  authority_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string Deployment::Path(absl::string_view name) const {
  return absl::StrCat(directory_, "/", name);
}

std::string Deployment::WriteFile(absl::string_view name, const std::string& text) const {
  std::string path = Path(name);
  std::ofstream(path, std::ios::binary) << text;
  chmod(path.c_str(), 0600);
  return path;
}

Peer Deployment::StartService(const std::string& name, absl::string_view more, int noisy_quota) {
  const std::string config = WriteFile(
      absl::StrCat(name, ".yaml"),
      absl::StrCat("listeners:\n"
                   "  - {name: bench, address: \"127.0.0.1:0\", ",
                   identity_.listener(),
                   "}\n"
                   "  - {name: noisy, address: \"127.0.0.1:0\", plaintext: {}, identity: noisy}\n"
                   "policy:\n"
                   "  rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], "
                   "tenants: [\"*\"], grants: [\"*\"], scopes: [\"*\"]}]\n"
                   // A bench is what quotas are there to stop.
                   "  quotas:\n"
                   "    - {callers: [\"local:noisy\"], calls_per_second: ",
                   noisy_quota, ", burst: ", noisy_quota,
                   "}\n"
                   "    - {callers: [\"*\"], calls_per_second: 1000000}\n",
                   identity_.configuration(),
                   "metrics: {address: \"127.0.0.1:0\"}\n"
                   "audit: {file: {path: \"",
                   Path(name),
                   ".audit\"}}\n"
                   "authorities: [{name: dev, entra: {base_url: \"",
                   authority_url_,
                   "\", instance_discovery: false}}]\n"
                   "registrations:\n"
                   "  - {name: bench, authority: dev, client_id: bench, tenants: [\"*\"],\n"
                   "     credentials: [{secret: {value: \"file:",
                   Path("secret"), "\"}}]}\n", more));
  const std::string ready = Path(name);
  return Connect(name, {programs_.server, "--config", config, "--ready-file", ready}, ready);
}

Peer Deployment::StartBareServer(const std::vector<Answer>& answers, bool tuned) {
  const std::string ready = Path("bare");
  std::vector<std::string> arguments = {programs_.bare, ready};
  arguments.insert(arguments.end(), identity_.bare_arguments().begin(),
                   identity_.bare_arguments().end());
  if (tuned) arguments.push_back("--tuned");
  for (const Answer& answer : answers) {
    arguments.push_back(absl::StrCat(answer.method, "=", WriteFile(answer.method, answer.message)));
  }
  return Connect("bare", std::move(arguments), ready);
}

Peer Deployment::Connect(const std::string& name, std::vector<std::string> arguments,
                         const std::string& ready_file) const {
  Peer peer;
  peer.process =
      std::make_unique<ChildProcess>(std::move(arguments), Path(absl::StrCat(name, ".log")));
  const std::string ready = WaitForFile(ready_file, kStart);
  const std::string address = AddressIn(ready, 0);
  if (address.empty()) {
    std::ifstream log(Path(absl::StrCat(name, ".log")));
    const std::string text(std::istreambuf_iterator<char>(log), {});
    std::fprintf(stderr, "%s did not start: %s\n", name.c_str(), text.c_str());
    return peer;
  }
  peer.stub = StubOf(address, identity_.credentials());
  const std::string other = AddressIn(ready, 1);
  if (!other.empty()) peer.noisy = StubOf(other, grpc::InsecureChannelCredentials());
  return peer;
}

v1::AcquireForClientRequest RequestFor(int number) {
  v1::AcquireForClientRequest request;
  request.set_registration("bench");
  request.set_tenant(absl::StrFormat("11111111-1111-4111-8111-%012d", number));
  request.add_scopes("api://bench-resource/.default");
  return request;
}

bool Call(v1::TokenService::Stub& stub, const v1::AcquireForClientRequest& request,
          v1::AcquireForClientResponse* response, const std::string& authorization) {
  grpc::ClientContext context;
  Prepare(context, authorization);
  return Report(stub.AcquireForClient(&context, request, response));
}

bool Call(v1::TokenService::Stub& stub, const v1::BatchAcquireForClientRequest& request,
          v1::BatchAcquireForClientResponse* response, const std::string& authorization) {
  grpc::ClientContext context;
  Prepare(context, authorization);
  if (!Report(stub.BatchAcquireForClient(&context, request, response))) return false;
  for (const v1::BatchResult& result : response->results()) {
    if (result.has_response()) continue;
    std::fprintf(stderr, "a call of a batch failed: %s\n", result.error().message().c_str());
    return false;
  }
  return response->results_size() == request.requests_size();
}

}  // namespace tokensvc::bench
