// SPDX-License-Identifier: Apache-2.0
// `tokensvc-server --check-config` as an operator runs it. That no part of the reader shows a value
// is tests/service/config/config_leak_test.cc's to prove; here it is the program's whole output.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "tests/authority/test_certificates.h"
#include "tests/service/config/temp_files.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCanary[] = "c4nary-9e1f";

class CheckConfigTest : public ::testing::Test {
 protected:
  struct Outcome {
    int exit_code = -1;
    std::string output;  // both streams
  };

  CheckConfigTest() {
    folder_.Write("secret", kCanary);
    IssueClient("client", TestCertificates::Key::kEcP256);
  }

  void IssueClient(const std::string& name, TestCertificates::Key key) {
    const auto certificates = TestCertificates::Create(folder_.Path("."));
    ASSERT_TRUE(certificates.ok());
    ASSERT_TRUE((*certificates)->IssueClient(name, key).ok());
  }

  /// The right configuration, with `from` written as `to`.
  static std::string ConfigWith(absl::string_view from = "", absl::string_view to = "") {
    std::string text = R"(listeners:
  - {name: local, address: "127.0.0.1:0", plaintext: {}, identity: tests}
authorities:
  - {name: entra, entra: {}}
registrations:
  - name: orders
    authority: entra
    client_id: c1a9e0c4-0000-4000-8000-000000000001
    tenants: [contoso.onmicrosoft.com]
    credentials:
      - certificate: {certificate_file: client.pem, private_key_file: client.key, algorithm: ES256}
      - secret: {value: "file:secret"}
policy:
  rules:
    - {name: all, callers: ["*"], registrations: ["*"], tenants: ["*"], grants: ["*"], scopes: ["*"]}
)";
    if (!from.empty()) {
      EXPECT_EQ(absl::StrReplaceAll({{from, to}}, &text), 1) << "not exactly once: " << from;
    }
    return text;
  }

  Outcome Check(const std::string& configuration) const {
    const std::string command =
        absl::StrCat("timeout 30 '", TOKENSVC_SERVER, "' --check-config --config '",
                     folder_.Write("tokensvc.yaml", configuration), "' 2>&1");
    Outcome outcome;
    FILE* const pipe = popen(command.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    if (pipe == nullptr) return outcome;
    std::array<char, 4096> buffer;
    for (std::size_t got; (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
      outcome.output.append(buffer.data(), got);
    }
    const int status = pclose(pipe);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
  }

  void ExpectRefused(const std::string& configuration, const std::string& saying) const {
    const Outcome outcome = Check(configuration);
    EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr(saying));
    EXPECT_THAT(outcome.output, Not(HasSubstr(kCanary)));
  }

  TempFolder folder_;
};

TEST_F(CheckConfigTest, AcceptsWhatIsRightAndShowsNoSecret) {
  const Outcome outcome = Check(ConfigWith());
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("tokensvc.yaml: OK, 1 listeners"));
  EXPECT_THAT(outcome.output, Not(HasSubstr(kCanary)));
}

TEST_F(CheckConfigTest, AcceptsTheConfigurationOfTheReadme) {
  std::ostringstream readme;
  readme << std::ifstream(TOKENSVC_README).rdbuf();
  const std::vector<std::string> blocks = absl::StrSplit(readme.str(), "```");
  std::string example;
  for (const std::string& block : blocks) {
    if (absl::StartsWith(block, "yaml\n")) example = block.substr(5);
  }
  ASSERT_FALSE(example.empty());
  IssueClient("orders", TestCertificates::Key::kRsa2048);
  folder_.Write("orders.secret", kCanary);
  const Outcome outcome = Check(example);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

TEST_F(CheckConfigTest, ShowsNoSecretThatStandsInTheWrongPlace) {
  ExpectRefused(ConfigWith("\"file:secret\"", kCanary), "12:25: registrations[0].credentials[1]");
  ExpectRefused(ConfigWith("value: \"file:secret\"", absl::StrCat(kCanary, ": x")),
                "registrations[0].credentials[1].secret");
  ExpectRefused(
      ConfigWith("tenants: [contoso.onmicrosoft.com]", absl::StrCat("tenants: ", kCanary)),
      "registrations[0].tenants");
  ExpectRefused(ConfigWith("authority: entra\n", absl::StrCat("authority: ", kCanary, "\n")),
                "registrations[0].authority");
  ExpectRefused(
      ConfigWith("    tenants:", absl::StrCat("    client_id: ", kCanary, "\n    tenants:")),
      "registrations[0].client_id");
  ExpectRefused(ConfigWith("{value: \"file:secret\"}", absl::StrCat("{value: \"", kCanary)), ":1");
}

TEST_F(CheckConfigTest, ShowsNothingOfAFileThatCannotBeUsed) {
  ExpectRefused(ConfigWith("file:secret", absl::StrCat("file:", kCanary)), "secret.value");
  ExpectRefused(ConfigWith("file:secret", absl::StrCat("env:", "C4NARY")), "secret.value");
  folder_.Write("secret", kCanary, 0644);
  ExpectRefused(ConfigWith(), "secret.value");
  folder_.Write("secret", kCanary);
  folder_.Write("client.key", kCanary);
  ExpectRefused(ConfigWith(), "private_key_file");
  folder_.Write("client.pem", absl::StrCat("-----BEGIN CERTIFICATE-----\n", kCanary,
                                           "\n-----END CERTIFICATE-----\n"));
  ExpectRefused(ConfigWith(), "certificate_file");
}

TEST_F(CheckConfigTest, ReportsThreeMistakesAtOnce) {
  std::string configuration = ConfigWith("file:secret", kCanary);
  absl::StrReplaceAll({{"entra: {}", "entra: {clod: public}"},
                       {"certificate_file: client.pem", "certificate_file: absent.pem"}},
                      &configuration);
  const Outcome outcome = Check(configuration);
  EXPECT_EQ(outcome.exit_code, 1);
  for (const char* place :
       {"authorities[0].entra.clod", "credentials[0].certificate.certificate_file",
        "credentials[1].secret.value"}) {
    EXPECT_THAT(outcome.output, HasSubstr(place));
  }
  EXPECT_THAT(outcome.output, Not(HasSubstr(kCanary)));
}

}  // namespace
}  // namespace tokensvc
