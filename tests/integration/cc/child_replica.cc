// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/cc/child_replica.h"

#include <grpcpp/grpcpp.h>
#include <httplib.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace tokensvc::testing {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

ChildReplica::ChildReplica(const std::string& directory, const std::string& name,
                           const std::string& configuration)
    : log_file_(absl::StrCat(directory, "/", name, ".log")) {
  const std::string config_file = absl::StrCat(directory, "/", name, ".yaml");
  const std::string ready_file = absl::StrCat(directory, "/", name, ".ready");
  std::ofstream(config_file) << configuration;
  process_ = std::make_unique<bench::ChildProcess>(
      std::vector<std::string>{TOKENSVC_SERVER, "--config", config_file, "--ready-file",
                               ready_file},
      log_file_);
  const std::string ready = bench::WaitForFile(ready_file, absl::Seconds(60));
  for (const absl::string_view line : absl::StrSplit(ready, '\n', absl::SkipEmpty())) {
    addresses_.insert(absl::StrSplit(line, absl::MaxSplits(' ', 1)));
  }
  EXPECT_EQ(addresses_.count("local"), 1u) << Log();
  // A connection of its own, which no other test's breaks.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  stub_ = v1::TokenService::NewStub(
      grpc::CreateCustomChannel(AddressOf("local"), grpc::InsecureChannelCredentials(), arguments));
}

const std::string& ChildReplica::AddressOf(const std::string& listener) const {
  static const std::string kNone;
  const auto found = addresses_.find(listener);
  return found == addresses_.end() ? kNone : found->second;
}

double ChildReplica::Metric(const std::string& line) const {
  httplib::Client client("http://" + AddressOf("metrics"));
  const auto answer = client.Get("/metrics");
  if (!answer) return 0;
  for (absl::string_view each : absl::StrSplit(answer->body, '\n')) {
    double value = 0;
    if (absl::ConsumePrefix(&each, absl::StrCat(line, " ")) && absl::SimpleAtod(each, &value)) {
      return value;
    }
  }
  return 0;
}

std::string ChildReplica::Log() const { return ReadAll(log_file_); }

std::size_t ChildReplica::LogCount(const std::string& event) const {
  std::size_t count = 0;
  const std::string log = Log();
  for (const absl::string_view line : absl::StrSplit(log, '\n')) {
    if (absl::StrContains(line, absl::StrCat("\"event\":\"", event, "\""))) ++count;
  }
  return count;
}

long ChildReplica::MemoryKiB(const std::string& figure) const {
  const std::string status = ReadAll(absl::StrCat("/proc/", process_->pid(), "/status"));
  for (const absl::string_view line : absl::StrSplit(status, '\n')) {
    if (absl::StartsWith(line, absl::StrCat(figure, ":"))) {
      return std::atol(std::string(line.substr(figure.size() + 1)).c_str());
    }
  }
  ADD_FAILURE() << "no " << figure;
  return 0;
}

}  // namespace tokensvc::testing
