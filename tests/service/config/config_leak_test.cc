// SPDX-License-Identifier: Apache-2.0
// No error shows a byte of the file: a secret is planted at every place that a value, a key or a
// broken line can be at.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/service/config/config_testing.h"
#include "tests/service/config/temp_files.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCanary[] = "c4naryQ8~x";

// Everything that can be written, so that every kind of field is hit.
constexpr char kLargeConfig[] = R"(listeners:
  - name: local
    address: 127.0.0.1:0
    tls:
      certificate_file: a.pem
      private_key_file: a.key
      client_ca_file: ca.pem
    reflection: true
    unauthenticated_peers: accept_risk
    jwt:
      issuers:
        - kubernetes
    max_connection_age: 1h
  - name: workloads
    address: 127.0.0.1:0
    tls:
      certificate_file: a.pem
      private_key_file: a.key
      client_ca_file: ca.pem
    client_certificates: {}
  - name: socket
    unix_socket:
      path: /run/tokensvc.sock
      access: group
    serves: admin
    identity: operators
jwt_issuers:
  - name: kubernetes
    issuer: https://kubernetes.example
    audiences:
      - tokensvc
    discovery:
      allowed_hosts:
        - keys.example.com
    algorithms:
      - RS256
    ca_file: ca.pem
    max_lifetime: 24h
  - name: entra
    issuer: https://login.example/{tenantid}/v2.0
    audiences:
      - api://tokensvc
    jwks_url: https://login.example/keys
    tenants:
      - c1a9e0c4-0000-4000-8000-000000000001
  - name: pinned
    issuer: pinned
    audiences:
      - tokensvc
    jwks_file: keys.json
metrics:
  address: 127.0.0.1:0
log:
  level: info
authorities:
  - name: entra
    request_timeout: 10s
    ca_file: ca.pem
    entra:
      cloud: public
      region: westeurope
  - name: corp
    oidc:
      issuer: https://corp.example
      allowed_hosts:
        - tokens.example.com
  - name: federation
    adfs:
      base_url: https://fs.example
  - name: shop
    b2c:
      tenant: contoso.com
      policy: B2C_1_a
      base_url: https://shop.example
  - name: customers
    ciam:
      subdomain: contoso
      tenant: contoso.com
registrations:
  - name: billing
    authority: corp
    client_id: billing
    credentials:
      - mutual_tls:
          certificate_file: b.pem
          private_key_file: b.key
  - name: orders
    authority: entra
    client_id: orders
    tenants:
      - contoso.com
    default_tenant: contoso.com
    credentials:
      - secret:
          value: file:secret
          method: basic
      - certificate:
          certificate_file: b.pem
          private_key_file: b.key
          algorithm: RS256
          audience: https://aud.example
      - assertion_file:
          path: assertion
      - managed_identity:
          source: IMDS
          object_id: c1a9e0c4-0000-4000-8000-000000000001
          audience: api://AzureADTokenExchange
          endpoint: http://169.254.169.254/token
      - managed_identity:
          source: APP_SERVICE
          resource_id: /subscriptions/a
          identity_header: file:header
          endpoint: env:TOKENSVC_TEST_NO_SUCH_VARIABLE
      - managed_identity:
          source: AZURE_ARC
          key_directory: /keys
    client_capabilities:
      - cp1
    extra_parameters:
      - slice
    client_claims: allowed
    near_cache: 60s
cache:
  local:
    max_size: 256MiB
    tenant_share_percent: 50
policy:
  groups:
    - name: team
      callers:
        - dns:worker.internal
  rules:
    - name: all
      callers:
        - group:team
      registrations:
        - orders
      tenants:
        - contoso.com
      grants:
        - client_credentials
      scopes:
        - https://api.example/.default
      force_refresh: refused
      client_claims: refused
  administrators:
    - local:operators
  observers:
    - dns:watcher.internal
)";

void ExpectNoCanary(const std::string& text) {
  EXPECT_THAT(FormatConfigErrors("config.yaml", ErrorsOf(text)), Not(HasSubstr("c4nary"))) << text;
}

std::vector<std::string> Lines() { return absl::StrSplit(kLargeConfig, '\n', absl::SkipEmpty()); }

TEST(ConfigLeak, TheFileToBreakIsRight) {
  EXPECT_EQ(FormatConfigErrors("config.yaml", ErrorsOf(kLargeConfig)), "");
}

TEST(ConfigLeak, NoValueIsShown) {
  const std::vector<std::string> notations = {
      kCanary,
      absl::StrCat("\"", kCanary, "\""),
      absl::StrCat("\"", kCanary, "\\q\""),
      absl::StrCat("\"", kCanary),
      absl::StrCat("[", kCanary, "]"),
      absl::StrCat("{", kCanary, ": 1}"),
      absl::StrCat("{", kCanary, ": ", kCanary, ", ", kCanary, ": 2}"),
      absl::StrCat("&", kCanary, " x"),
      absl::StrCat("*", kCanary),
      absl::StrCat("!", kCanary, " x"),
      absl::StrCat("file:", kCanary),
      absl::StrCat("env:", kCanary),
      absl::StrCat("https://", kCanary, ".example/?", kCanary),
      absl::StrCat("@", kCanary),
      absl::StrCat(kCanary, ": ", kCanary),
  };
  const std::vector<std::string> lines = Lines();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t colon = lines[i].find(": ");
    const std::size_t dash = lines[i].find("- ");
    const std::size_t at = colon != std::string::npos ? colon : dash;
    if (at == std::string::npos) continue;
    for (const std::string& notation : notations) {
      std::vector<std::string> broken = lines;
      broken[i] = lines[i].substr(0, at + 2) + notation;
      ExpectNoCanary(absl::StrJoin(broken, "\n"));
    }
  }
}

TEST(ConfigLeak, NoKeyIsShownThatLooksLikeASecret) {
  const std::vector<std::string> lines = Lines();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t key = lines[i].find_first_not_of("- ");
    std::vector<std::string> broken = lines;
    broken[i] = lines[i].substr(0, key) + kCanary +
                lines[i].substr(std::min(lines[i].find(':'), lines[i].size()));
    ExpectNoCanary(absl::StrJoin(broken, "\n"));
    broken[i] = lines[i].substr(0, key) + kCanary + ": 1";
    ExpectNoCanary(absl::StrJoin(broken, "\n"));
  }
}

TEST(ConfigLeak, NoBrokenLineIsShown) {
  const std::vector<std::string> lines = Lines();
  for (std::size_t i = 0; i <= lines.size(); ++i) {
    for (const char* format :
         {"", "  ", "\t", "- ", "? ", "%", "---\n", "]", "\"", "|\n ", "\xFF"}) {
      std::vector<std::string> broken = lines;
      broken.insert(broken.begin() + static_cast<std::ptrdiff_t>(i), absl::StrCat(format, kCanary));
      ExpectNoCanary(absl::StrJoin(broken, "\n"));
    }
  }
}

TEST(ConfigLeak, NeitherPathNorContentOfAFileIsShown) {
  const TempFolder folder;
  folder.Write("secret", "", 0600);
  for (const char* name : {"a.pem", "a.key", "b.pem", "b.key", "ca.pem", "assertion", "keys.json"})
    folder.Write(name, kCanary);
  const ConfigResult result = LoadConfig(folder.Write("c4nary.yaml", kLargeConfig));
  ASSERT_FALSE(result.ok());
  EXPECT_GE(result.error().size(), 7u);
  EXPECT_THAT(FormatConfigErrors("config.yaml", result.error()), Not(HasSubstr("c4nary")));
}

}  // namespace
}  // namespace tokensvc
