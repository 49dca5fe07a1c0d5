// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/options.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc::tokenctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

Expected<Options, EarlyExit> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "tokenctl");
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  return ParseOptions(static_cast<int>(argv.size()), argv.data());
}

std::string UsageError(const std::vector<std::string>& words) {
  const auto result = Parse(words);
  if (result.ok()) return "accepted";
  EXPECT_EQ(result.error().code, kExitUsage);
  return result.error().text;
}

class OptionsTest : public ::testing::Test {
 protected:
  void SetUp() override { Unset(); }
  void TearDown() override { Unset(); }
  static void Unset() {
    for (const char* name :
         {"TOKENSVC_ADDRESS", "TOKENSVC_TLS", "TOKENSVC_CA_FILE", "TOKENSVC_CLIENT_CERTIFICATE",
          "TOKENSVC_CLIENT_KEY", "TOKENSVC_JWT_FILE"}) {
      unsetenv(name);
    }
  }
};

TEST_F(OptionsTest, ReadsEverythingAboutAnAcquire) {
  const auto result = Parse({"acquire",
                             "--registration",
                             "orders",
                             "--tenant",
                             "contoso.example",
                             "--scope",
                             "a b",
                             "--scope",
                             "[c,d]",
                             "--resource",
                             "https://r.example",
                             "--audience",
                             "aud",
                             "--claims-challenge",
                             R"({"access_token":{"nbf":{"essential":true}}})",
                             "--client-claims",
                             "{}",
                             "--force-refresh",
                             "--correlation-id",
                             "id-1",
                             "--parameter",
                             "x=1=2",
                             "--parameter",
                             "y=",
                             "--show-token",
                             "--timeout",
                             "1500ms",
                             "--output",
                             "json"});
  ASSERT_TRUE(result.ok()) << result.error().text;
  const AcquireOptions& acquire = result->acquire;
  EXPECT_EQ(result->command, Command::kAcquire);
  EXPECT_EQ(result->output, OutputFormat::kJson);
  EXPECT_EQ(result->connection.timeout, absl::Milliseconds(1500));
  EXPECT_EQ(acquire.registration, "orders");
  EXPECT_EQ(acquire.tenant, "contoso.example");
  EXPECT_THAT(acquire.scopes, ElementsAre("a b", "[c,d]"));
  EXPECT_EQ(acquire.resource, "https://r.example");
  EXPECT_EQ(acquire.audience, "aud");
  EXPECT_EQ(acquire.claims_challenge, R"({"access_token":{"nbf":{"essential":true}}})");
  EXPECT_EQ(acquire.client_claims, "{}");
  EXPECT_TRUE(acquire.force_refresh);
  EXPECT_EQ(acquire.correlation_id, "id-1");
  EXPECT_THAT(acquire.parameters, ElementsAre(Pair("x", "1=2"), Pair("y", "")));
  EXPECT_TRUE(acquire.show_token);
}

TEST_F(OptionsTest, HidesTheTokenUnlessAsked) {
  const auto result = Parse({"header", "--registration", "r", "--scope", "s"});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->command, Command::kHeader);
  EXPECT_FALSE(result->acquire.show_token);
}

TEST_F(OptionsTest, TakesTheAddressFromTheOptionThenTheEnvironmentThenTheDefault) {
  EXPECT_EQ(Parse({"health"})->connection.address, "127.0.0.1:7443");
  setenv("TOKENSVC_ADDRESS", "localhost:1234", 1);
  EXPECT_EQ(Parse({"health"})->connection.address, "localhost:1234");
  EXPECT_EQ(Parse({"--address", "[::1]:5", "health"})->connection.address, "[::1]:5");
  EXPECT_EQ(Parse({"health", "--address", "[::1]:6"})->connection.address, "[::1]:6");
}

TEST_F(OptionsTest, TakesAnIdentityFromOptionsOrTheEnvironment) {
  const auto given = Parse({"--tls", "--ca-file", "ca", "--client-certificate", "c", "--client-key",
                            "k", "--jwt-file", "j", "health"});
  ASSERT_TRUE(given.ok()) << given.error().text;
  EXPECT_EQ(given->connection.client_certificate, "c");
  EXPECT_EQ(given->connection.client_key, "k");
  EXPECT_EQ(given->connection.jwt_file, "j");

  setenv("TOKENSVC_TLS", "1", 1);
  setenv("TOKENSVC_CA_FILE", "ca", 1);
  setenv("TOKENSVC_CLIENT_CERTIFICATE", "c2", 1);
  setenv("TOKENSVC_CLIENT_KEY", "k2", 1);
  setenv("TOKENSVC_JWT_FILE", "j2", 1);
  const auto from_environment = Parse({"--jwt-file", "j", "health"});
  ASSERT_TRUE(from_environment.ok()) << from_environment.error().text;
  EXPECT_TRUE(from_environment->connection.tls);
  EXPECT_EQ(from_environment->connection.ca_file, "ca");
  EXPECT_EQ(from_environment->connection.client_certificate, "c2");
  EXPECT_EQ(from_environment->connection.client_key, "k2");
  EXPECT_EQ(from_environment->connection.jwt_file, "j");
}

TEST_F(OptionsTest, WhatAsksNoServerTakesNoOffenceAtTheConnection) {
  setenv("TOKENSVC_CA_FILE", "ca", 1);
  setenv("TOKENSVC_ADDRESS", "tokens.example:7443", 1);
  EXPECT_TRUE(Parse({"decode"}).ok());
  EXPECT_FALSE(Parse({"health"}).ok());
}

TEST_F(OptionsTest, RefusesAnIdentityThatCannotBeShown) {
  EXPECT_THAT(UsageError({"--tls", "--client-certificate", "c", "health"}), HasSubstr("both"));
  EXPECT_THAT(UsageError({"--tls", "--client-key", "k", "health"}), HasSubstr("both"));
  EXPECT_THAT(UsageError({"--client-certificate", "c", "--client-key", "k", "health"}),
              HasSubstr("--client-certificate needs --tls"));
  EXPECT_THAT(UsageError({"--address", "10.0.0.1:1", "--plaintext", "--jwt-file", "j", "health"}),
              HasSubstr("--jwt-file beyond loopback needs --tls"));
  for (const char* address : {"127.0.0.1:1", "unix:/run/s"}) {
    EXPECT_TRUE(Parse({"--address", address, "--jwt-file", "j", "health"}).ok()) << address;
  }
}

TEST_F(OptionsTest, RefusesPlaintextBeyondLoopbackUnlessToldSo) {
  for (const char* address : {"10.0.0.1:7443", "tokens.example.com:7443", "127.example.com:1",
                              "localhost.example.com:1", "[2001:db8::1]:1", "0.0.0.0:1"}) {
    EXPECT_THAT(UsageError({"--address", address, "health"}), HasSubstr("beyond loopback"))
        << address;
    EXPECT_TRUE(Parse({"--address", address, "--tls", "health"}).ok()) << address;
    EXPECT_TRUE(Parse({"--address", address, "--plaintext", "health"}).ok()) << address;
  }
  for (const char* address :
       {"127.0.0.1:1", "127.9.9.9:1", "LocalHost:1", "[::1]:1", "unix:/run/s"}) {
    EXPECT_TRUE(Parse({"--address", address, "health"}).ok()) << address;
  }
}

TEST_F(OptionsTest, RefusesAddressesThatAreNone) {
  for (const char* address :
       {"127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", ":1", "dns:///x:1", "::1:1", "[::1]",
        "a b:1", "[x]:1", "unix:", "127.0.0.1:1x", "127.0.0.1:+1"}) {
    EXPECT_THAT(UsageError({"--address", address, "health"}),
                HasSubstr("--address: want HOST:PORT"))
        << address;
  }
}

TEST_F(OptionsTest, RefusesWhatContradictsItself) {
  EXPECT_THAT(UsageError({"--ca-file", "x", "health"}), HasSubstr("--ca-file needs --tls"));
  EXPECT_THAT(UsageError({"--tls", "--plaintext", "health"}), HasSubstr("exclude each other"));
  EXPECT_THAT(UsageError({"check", "--registration", "r"}), HasSubstr("go together"));
  EXPECT_THAT(UsageError({"acquire", "--registration", "r"}), HasSubstr("--scope"));
  EXPECT_THAT(UsageError({"acquire", "--scope", "s"}), HasSubstr("--registration"));
  EXPECT_THAT(UsageError({}), HasSubstr("subcommand"));
  EXPECT_THAT(UsageError({"acquire", "health"}), HasSubstr("--help"));
  EXPECT_THAT(UsageError({"frobnicate"}), HasSubstr("--help"));
}

TEST_F(OptionsTest, RefusesValuesOutOfRange) {
  for (const char* timeout : {"0s", "-1s", "11m", "10", "inf", "soon"}) {
    EXPECT_THAT(UsageError({"--timeout", timeout, "health"}), HasSubstr("--timeout: want"))
        << timeout;
  }
  EXPECT_THAT(UsageError({"--output", "xml", "health"}), HasSubstr("--output"));
  EXPECT_THAT(UsageError({"health", "--service", "other"}), HasSubstr("--service"));
  const std::vector<std::string> acquire = {"acquire", "--registration", "r", "--scope", "s"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), acquire.begin(), acquire.end());
    return UsageError(more);
  };
  EXPECT_THAT(with({"--parameter", "novalue"}), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(with({"--parameter", "=v"}), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(with({"--parameter", "a=1", "--parameter", "a=2"}), HasSubstr("twice"));
  EXPECT_THAT(with({"--claims-challenge", "@/nonexistent/file"}),
              HasSubstr("--claims-challenge: no such"));
}

TEST_F(OptionsTest, ReadsClaimsFromAFile) {
  const std::string path = ::testing::TempDir() + "/tokenctl_options_test_claims.json";
  std::ofstream(path) << "{\"a\": 1}\n";
  const auto result =
      Parse({"acquire", "--registration", "r", "--scope", "s", "--claims-challenge", "@" + path});
  ASSERT_TRUE(result.ok()) << result.error().text;
  EXPECT_EQ(result->acquire.claims_challenge, "{\"a\": 1}");

  std::ofstream(path) << std::string(70000, 'x');
  EXPECT_THAT(UsageError({"acquire", "--registration", "r", "--scope", "s", "--claims-challenge",
                          "@" + path}),
              HasSubstr("longer than 65536 bytes"));
  std::remove(path.c_str());
}

TEST_F(OptionsTest, EscapesWhatItRepeats) {
  EXPECT_THAT(UsageError({"--output", "\x1b[31mred", "health"}), Not(HasSubstr("\x1b")));
}

TEST_F(OptionsTest, AsksForLiveAndReadyUnlessOneIsNamed) {
  EXPECT_THAT(Parse({"health"})->health_services, ElementsAre("live", "ready"));
  EXPECT_THAT(Parse({"health", "--service", "ready"})->health_services, ElementsAre("ready"));
}

TEST_F(OptionsTest, HelpNamesCommandsExamplesAndExitCodes) {
  const auto result = Parse({"--help"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, kExitOk);
  for (const char* part :
       {"acquire", "header", "health", "check", "decode",
        "Examples:", "Exit codes:", "TOKENSVC_ADDRESS", "--tls", "--ca-file", "--plaintext",
        "--timeout", "--client-certificate", "--client-key", "--jwt-file", "TOKENSVC_JWT_FILE"}) {
    EXPECT_THAT(result.error().text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace tokensvc::tokenctl
