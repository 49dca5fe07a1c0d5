// SPDX-License-Identifier: Apache-2.0
// What the tests of configuration share: a small valid file to break, and a matcher for errors.
#ifndef TOKENSVC_TESTS_SERVICE_CONFIG_CONFIG_TESTING_H_
#define TOKENSVC_TESTS_SERVICE_CONFIG_CONFIG_TESTING_H_

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "service/config/load_config.h"

namespace tokensvc {

/// The least that is a configuration: one of each thing, one key to a line.
inline constexpr char kSmallConfig[] = R"(listeners:
  - name: local
    address: 127.0.0.1:0
    plaintext: {}
    identity: tests
authorities:
  - name: entra
    entra: {}
registrations:
  - name: orders
    authority: entra
    client_id: c1a9e0c4-0000-4000-8000-000000000001
    tenants: [contoso.onmicrosoft.com]
    credentials:
      - secret:
          value: env:ORDERS_SECRET
policy:
  rules:
    - {name: all, callers: ["*"], registrations: ["*"], tenants: ["*"], grants: ["*"], scopes: ["*"]}
)";

/// `kSmallConfig` with `from`, which must be in it, written as `to`.
inline std::string SmallConfigWith(absl::string_view from, absl::string_view to) {
  std::string text = kSmallConfig;
  EXPECT_EQ(absl::StrReplaceAll({{from, to}}, &text), 1)
      << "not exactly once in the file: " << from;
  return text;
}

/// `kSmallConfig` with more at its end.
inline std::string SmallConfigAnd(absl::string_view more) {
  return std::string(kSmallConfig).append(more.data(), more.size());
}

/// The errors of a text; empty where it is right.
inline std::vector<ConfigError> ErrorsOf(absl::string_view text) {
  ConfigResult result = ParseConfig(text);
  return result.ok() ? std::vector<ConfigError>() : std::move(result).error();
}

MATCHER_P2(ErrorAt, path, message, "an error at " + std::string(path) + " that says " + message) {
  return arg.path == path && arg.message.find(message) != std::string::npos;
}

MATCHER_P4(ErrorAtPlace, path, line, column, message,
           "an error at " + std::string(path) + " that says " + message) {
  return arg.path == path && arg.line == line && arg.column == column &&
         arg.message.find(message) != std::string::npos;
}

inline void PrintTo(const ConfigError& error, std::ostream* out) {
  *out << FormatConfigErrors("config", {error});
}

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_SERVICE_CONFIG_CONFIG_TESTING_H_
