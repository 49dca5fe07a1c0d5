// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/warm_unary_bench.h"

#include <grpcpp/grpcpp.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/random.h"
#include "tests/bench/child_process.h"
#include "tests/bench/unary_load.h"

namespace tokensvc::bench {
namespace {

constexpr char kTenant[] = "11111111-1111-1111-1111-111111111111";

std::string MakeTempDir() {
  std::string path = (std::filesystem::temp_directory_path() / "tokensvc-bench-XXXXXX").string();
  return mkdtemp(path.data()) == nullptr ? "" : path;
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  chmod(path.c_str(), 0600);
}

std::string ConfigurationText(const std::string& authority_url, const std::string& secret_file) {
  return absl::StrCat(
      "listeners: [{name: bench, address: \"127.0.0.1:0\", plaintext: {}}]\n"
      "metrics: {address: \"127.0.0.1:0\"}\n"
      "authorities: [{name: dev, entra: {base_url: \"",
      authority_url,
      "\", instance_discovery: false}}]\n"
      "registrations:\n"
      "  - {name: bench, authority: dev, client_id: bench, tenants: [\"",
      kTenant, "\"], default_tenant: \"", kTenant,
      "\",\n     credentials: [{secret: {value: \"file:", secret_file, "\"}}]}\n");
}

/// The address behind the first name of a ready file.
std::string AddressIn(const std::string& ready) {
  const std::vector<std::string> words = absl::StrSplit(ready, absl::ByAnyChar(" \n"));
  return words.size() < 2 ? "" : words[1];
}

std::unique_ptr<v1::TokenService::Stub> Connect(const std::string& address) {
  return v1::TokenService::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
}

}  // namespace

WarmUnaryResult RunWarmUnaryBench(const WarmUnaryOptions& options) {
  WarmUnaryResult result;
  const std::string dir = MakeTempDir();
  const auto at = [&dir](const char* name) { return absl::StrCat(dir, "/", name); };
  SystemRandom random;
  WriteFile(at("secret"), MakeUuid(random));

  const ChildProcess authority(
      {options.authority, "--port", "0", "--client", absl::StrCat("bench=", at("secret")),
       "--ready-file", at("authority")},
      at("authority.log"));
  const std::string url(
      absl::StripAsciiWhitespace(WaitForFile(at("authority"), absl::Seconds(10))));
  WriteFile(at("config.yaml"), ConfigurationText(url, at("secret")));
  const ChildProcess server(
      {options.server, "--config", at("config.yaml"), "--ready-file", at("server")},
      at("server.log"));
  const std::string address = AddressIn(WaitForFile(at("server"), absl::Seconds(10)));
  if (url.empty() || address.empty()) {
    std::fprintf(stderr, "the service did not start; see %s\n", dir.c_str());
    return result;
  }

  v1::AcquireForClientRequest request;
  request.set_registration("bench");
  request.add_scopes("api://bench-resource/.default");
  const auto ours = Connect(address);
  v1::AcquireForClientResponse answer;
  {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const grpc::Status status = ours->AcquireForClient(&context, request, &answer);
    if (!status.ok()) {
      std::fprintf(stderr, "the first token failed: %s\n", status.error_message().c_str());
      return result;
    }
  }
  WriteFile(at("answer"), answer.SerializeAsString());
  const ChildProcess bare({options.bare, at("answer"), at("bare")}, at("bare.log"));
  const auto floor = Connect(AddressIn(WaitForFile(at("bare"), absl::Seconds(10))));

  const absl::Duration half = absl::Seconds(options.seconds);
  const auto measure = [&](v1::TokenService::Stub& stub, const ChildProcess& process, double* cpu) {
    const absl::Duration before = process.CpuTime();
    const LoadResult load = RunUnaryLoad(stub, request, options.in_flight, half);
    *cpu = absl::ToDoubleMicroseconds(process.CpuTime() - before) /
           static_cast<double>(std::max(1L, load.calls));
    result.calls += load.calls;
    result.failed += load.failed;
    return load;
  };
  double ignored = 0;
  measure(*floor, bare, &ignored);  // warm-up, not counted
  measure(*ours, server, &ignored);
  result.calls = result.failed = 0;

  std::vector<double> throughput, p99, extra, bare_cpu, bare_rate, our_rate;
  for (int pair = 0; pair < options.pairs; ++pair) {
    double floor_cpu = 0, our_cpu = 0;
    LoadResult floor_load, our_load;
    // Who goes first alternates, so that a drift of the machine favours neither.
    if (pair % 2 == 0) floor_load = measure(*floor, bare, &floor_cpu);
    our_load = measure(*ours, server, &our_cpu);
    if (pair % 2 == 1) floor_load = measure(*floor, bare, &floor_cpu);
    throughput.push_back(our_load.calls_per_second / floor_load.calls_per_second);
    p99.push_back(our_load.p99_microseconds / floor_load.p99_microseconds);
    extra.push_back(our_cpu - floor_cpu);
    bare_cpu.push_back(floor_cpu);
    bare_rate.push_back(floor_load.calls_per_second);
    our_rate.push_back(our_load.calls_per_second);
  }
  result.ok = true;
  result.throughput_ratio = MedianOf(throughput);
  result.p99_ratio = MedianOf(p99);
  result.extra_cpu_microseconds = MedianOf(extra);
  result.bare_cpu_microseconds = MedianOf(bare_cpu);
  result.bare_calls_per_second = MedianOf(bare_rate);
  result.our_calls_per_second = MedianOf(our_rate);
  std::error_code ignored_error;
  std::filesystem::remove_all(dir, ignored_error);
  return result;
}

}  // namespace tokensvc::bench
