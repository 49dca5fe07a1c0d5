// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CLIENT_COMMAND_FIXTURE_H_
#define TOKENSVC_TESTS_CLIENT_COMMAND_FIXTURE_H_

#include <sstream>
#include <string>

#include "base/clock.h"
#include "client/tokenctl/commands.h"
#include "gtest/gtest.h"
#include "tests/client/fake_token_service.h"

namespace tokensvc::tokenctl {

/// Always the same instant.
class FixedClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1800000000); }
  BootTime Boot() const override { return BootTime(); }
};

/// Runs commands against a FakeServer and keeps what they print.
class CommandTest : public ::testing::Test {
 protected:
  CommandTest() {
    options_.connection.address = server_.address();
    options_.acquire.registration = "orders";
    options_.acquire.scopes = {"https://graph.example/.default"};
  }

  ExitCode Run(Command command) {
    options_.command = command;
    out_.str("");
    err_.str("");
    const FixedClock clock;
    return RunCommand(options_, Console{out_, err_, in_, clock});
  }

  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  FakeServer server_;
  Options options_;
  std::istringstream in_;

 private:
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_TESTS_CLIENT_COMMAND_FIXTURE_H_
