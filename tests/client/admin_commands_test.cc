// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "client/tokenctl/commands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/command_fixture.h"
#include "tests/client/fake_admin_service.h"

namespace tokensvc::tokenctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// Runs whole command lines against a FakeAdminServer.
class AdminCommandTest : public ::testing::Test {
 protected:
  ExitCode Run(std::vector<std::string> words) {
    return RunAt(server_.address(), std::move(words));
  }

  ExitCode RunAt(const std::string& address, std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    words.insert(words.begin(), {"tokenctl", "--address", address});
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    const auto options = ParseOptions(static_cast<int>(argv.size()), argv.data());
    if (!options.ok()) {
      err_ << options.error().text;
      return options.error().code;
    }
    const FixedClock clock;
    return RunCommand(*options, Console{out_, err_, in_, clock});
  }
  Json RunJson(std::vector<std::string> words) {
    words.insert(words.begin(), {"--output", "json"});
    Run(std::move(words));
    auto json = ParseJsonObject(out());
    EXPECT_TRUE(json.ok()) << out();
    return json.ok() ? *std::move(json) : Json();
  }

  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }
  FakeAdminService& service() { return server_.service; }

  FakeAdminServer server_;
  std::istringstream in_;
  std::ostringstream out_, err_;
};

TEST_F(AdminCommandTest, BuildInfoShowsVersionsAndSinceWhen) {
  auto& response = service().build_info.response;
  response.set_version("1.2.3");
  response.set_build_type("Release");
  response.set_compiler("GCC");
  (*response.mutable_libraries())["gRPC"] = "1.51.1";
  response.mutable_started_at()->set_seconds(1799999000);
  response.mutable_uptime()->set_seconds(1000);
  EXPECT_EQ(Run({"admin", "build-info"}), kExitOk) << err();
  EXPECT_THAT(out(), AllOf(HasSubstr("version       1.2.3\n"), HasSubstr("gRPC 1.51.1"),
                           HasSubstr("2027-01-15T07:43:20Z"), HasSubstr("16m40s")));
  const Json json = RunJson({"admin", "build-info"});
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["uptime_seconds"], 1000);
  EXPECT_EQ(json["libraries"]["gRPC"], "1.51.1");
}

TEST_F(AdminCommandTest, ConfigPrintsYamlAsItIsUnlessATerminalWouldActOnIt) {
  auto& response = service().config.response;
  response.set_yaml("a: \"back\\\\slash\"\nb: \"\x1b[31m\"\n");
  response.set_truncated(true);
  response.set_needs_restart(true);
  response.mutable_in_force_since()->set_seconds(1800000000 - 60);
  EXPECT_EQ(Run({"admin", "config", "--section", "policy", "--name", "all"}), kExitOk);
  EXPECT_EQ(service().config.request.section(), "policy");
  EXPECT_EQ(service().config.request.name(), "all");
  EXPECT_THAT(out(), AllOf(StartsWith("# In force since "), HasSubstr("wait for a restart"),
                           HasSubstr("# Not all of it"), HasSubstr("\na: \"back\\\\slash\"\n"),
                           Not(HasSubstr("\x1b"))));
  EXPECT_EQ(RunJson({"admin", "config"})["yaml"], response.yaml());
}

TEST_F(AdminCommandTest, CacheListsTheLargestTenants) {
  auto& response = service().cache.response;
  response.set_shared(admin::v1::SHARED_CACHE_STATE_IN_USE);
  auto& local = *response.mutable_local();
  local.set_entries(3);
  local.set_tenants(2);
  auto* tenant = local.add_largest();
  tenant->set_authority("entra");
  tenant->set_tenant("contoso.com");
  tenant->set_entries(2);
  tenant->set_bytes(4321);
  tenant = local.add_largest();
  tenant->set_authority("corp");
  tenant->set_registration("billing");
  EXPECT_EQ(Run({"admin", "cache", "--top", "20"}), kExitOk);
  EXPECT_EQ(service().cache.request.top(), 20);
  EXPECT_THAT(out(),
              AllOf(HasSubstr("3 tokens"), HasSubstr("4321 bytes"), HasSubstr("entra contoso.com"),
                    HasSubstr("corp registration billing"), HasSubstr("shared        in use")));
  const Json json = RunJson({"admin", "cache"});
  EXPECT_EQ(json["local"]["largest"][0]["tenant"], "contoso.com");
  EXPECT_FALSE(json["local"]["largest"][1].contains("tenant"));
  EXPECT_EQ(json["shared"], "in_use");
}

TEST_F(AdminCommandTest, KeyRingsShowIdsStatesAndAges) {
  EXPECT_EQ(Run({"admin", "key-rings"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("shares nothing"));
  auto* key = service().key_rings.response.mutable_sealing()->add_keys();
  key->set_id("0123abcd");
  key->set_state(admin::v1::KEY_STATE_PRIMARY);
  key->mutable_since()->set_seconds(1800000000 - 3600);
  key->mutable_age()->set_seconds(3600);
  EXPECT_EQ(Run({"admin", "key-rings"}), kExitOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("primary  0123abcd"), HasSubstr("1h ago")));
  const Json json = RunJson({"admin", "key-rings"});
  EXPECT_EQ(json["sealing"][0]["state"], "primary");
  EXPECT_EQ(json["sealing"][0]["age_seconds"], 3600);
}

TEST_F(AdminCommandTest, PurgeNamesOneTarget) {
  auto& request = service().purge.request;
  service().purge.response.set_shared(true);
  EXPECT_EQ(Run({"admin", "purge", "--registration", "orders"}), kExitOk) << err();
  EXPECT_EQ(request.registration(), "orders");
  EXPECT_THAT(out(), HasSubstr("the other replicas follow"));
  service().purge.response.set_shared(false);
  EXPECT_EQ(Run({"admin", "purge", "--authority", "entra", "--tenant", "contoso.com"}), kExitOk);
  EXPECT_EQ(request.tenant().authority(), "entra");
  EXPECT_EQ(request.tenant().tenant(), "contoso.com");
  EXPECT_THAT(out(), HasSubstr("tell the other replicas"));
  EXPECT_EQ(Run({"admin", "purge", "--registration", "orders", "--credential", "orders/0"}),
            kExitOk);
  EXPECT_EQ(request.credential().registration(), "orders");
  EXPECT_EQ(request.credential().credential(), "orders/0");

  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"--tenant", "t"},
      {"--authority", "a"},
      {"--credential", "orders/0"},
      {"--registration", "orders", "--tenant", "t"},
      {"--registration", "orders", "--authority", "a", "--tenant", "t"},
      {"--authority", "a", "--tenant", "t", "--credential", "orders/0"}};
  for (std::vector<std::string> words : wrong) {
    words.insert(words.begin(), {"admin", "purge"});
    EXPECT_EQ(Run(words), kExitUsage);
    EXPECT_THAT(err(), HasSubstr("purge: want --registration"));
  }
}

TEST_F(AdminCommandTest, ReloadSaysWhatBecameOfIt) {
  auto& response = service().reload.response;
  response.set_outcome(admin::v1::RELOAD_OUTCOME_IN_FORCE);
  response.set_needs_restart(true);
  EXPECT_EQ(Run({"admin", "reload"}), kExitOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("in force"), HasSubstr("wait for a restart")));
  response.set_outcome(admin::v1::RELOAD_OUTCOME_REFUSED);
  response.add_errors("tokensvc.yaml:3:1: listeners: is missing");
  EXPECT_EQ(Run({"admin", "reload"}), kExitRefused);
  EXPECT_THAT(out(), AllOf(HasSubstr("REFUSED"), HasSubstr("listeners: is missing")));
  const Json json = RunJson({"admin", "reload"});
  EXPECT_EQ(json["outcome"], "refused");
  EXPECT_EQ(json["errors"][0], "tokensvc.yaml:3:1: listeners: is missing");
}

TEST_F(AdminCommandTest, TestPolicySendsTheFile) {
  const std::string path = ::testing::TempDir() + "expectations.yaml";
  std::ofstream(path) << "expectations: []\n";
  auto& response = service().test_policy.response;
  response.set_asked(2);
  response.set_report("ok     expectations[0]\n2 asked, 0 wrong\n");
  EXPECT_EQ(Run({"admin", "test-policy", path}), kExitOk) << err();
  EXPECT_EQ(service().test_policy.request.expectations_yaml(), "expectations: []");
  EXPECT_EQ(out(), response.report());
  response.set_wrong(1);
  EXPECT_EQ(Run({"admin", "test-policy", path}), kExitRefused);
  EXPECT_EQ(RunJson({"admin", "test-policy", path})["wrong"], 1);
  std::ofstream(path) << std::string(300'000, 'x');
  EXPECT_EQ(Run({"admin", "test-policy", path}), kExitUsage);
  std::remove(path.c_str());
  EXPECT_EQ(Run({"admin", "test-policy", path}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("expectations.yaml"));
}

TEST_F(AdminCommandTest, ExplainAsksAndTellsInPlainWords) {
  auto& response = service().explain.response;
  response.set_allowed(true);
  response.set_rule("orders-graph");
  response.set_because("rule orders-graph covers all of the request");
  const std::vector<std::string> words = {
      "explain",         "--caller", "spiffe://prod.example/cart",
      "--registration",  "orders",   "--tenant",
      "contoso.com",     "--scope",  "a",
      "--scope",         "b",        "--force-refresh",
      "--client-claims", "--grant",  "client_credentials"};
  EXPECT_EQ(Run(words), kExitOk) << err();
  const auto& request = service().explain.request;
  EXPECT_EQ(request.caller(), "spiffe://prod.example/cart");
  EXPECT_EQ(request.registration(), "orders");
  EXPECT_EQ(request.tenant(), "contoso.com");
  EXPECT_THAT(request.scopes(), ElementsAre("a", "b"));
  EXPECT_EQ(request.grant(), "client_credentials");
  EXPECT_TRUE(request.force_refresh());
  EXPECT_TRUE(request.client_claims());
  EXPECT_EQ(out(), "ALLOWED: rule orders-graph covers all of the request\n");

  response.Clear();
  response.set_because("1 rule names this caller");
  response.add_near_misses("rule other does not list this tenant\x07");
  EXPECT_EQ(Run(words), kExitRefused);
  EXPECT_THAT(out(), AllOf(StartsWith("DENIED: 1 rule"), HasSubstr("  - rule other does not list"),
                           Not(HasSubstr("\x07"))));
  const Json json = RunJson(words);
  EXPECT_EQ(json["allowed"], false);
  EXPECT_FALSE(json.contains("rule"));
  EXPECT_EQ(Run({"explain", "--caller", "local:a", "--registration", "orders"}), kExitUsage);
}

TEST_F(AdminCommandTest, AListenerForTokensIsSaidToBeOne) {
  FakeServer tokens;
  EXPECT_EQ(RunAt(tokens.address(), {"admin", "cache"}), kExitRefused);
  EXPECT_THAT(err(), HasSubstr("serves: admin"));
  EXPECT_THAT(out(), IsEmpty());
}

TEST_F(AdminCommandTest, RefusalsAreShownAsThoseOfOtherCommands) {
  service().status = {grpc::StatusCode::PERMISSION_DENIED, "no role"};
  EXPECT_EQ(Run({"admin", "reload"}), kExitRefused);
  EXPECT_THAT(err(), AllOf(HasSubstr("PERMISSION_DENIED"), HasSubstr("no role")));
  EXPECT_EQ(RunJson({"admin", "reload"})["error"]["status"], "PERMISSION_DENIED");
}

}  // namespace
}  // namespace tokensvc::tokenctl
