// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_OPTIONS_H_
#define TOKENSVC_CLIENT_TOKENCTL_OPTIONS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/expected.h"
#include "client/core/address.h"
#include "client/tokenctl/admin_options.h"

namespace tokensvc::tokenctl {

/// What the process exits with; part of the command line's contract, see `--help`.
enum ExitCode {
  kExitOk = 0,
  kExitRefused = 1,      ///< The server answered, and said no (or is not healthy).
  kExitUsage = 2,        ///< The command line, or a file it names, is wrong; nothing was sent.
  kExitUnreachable = 3,  ///< No answer of a Token Service: connection, TLS or time-out.
};

enum class Command { kAcquire, kHeader, kHealth, kCheck, kDecode, kKeys, kAdmin, kExplain };
enum class OutputFormat { kText, kJson };

/// How to reach the server.
struct ConnectionOptions {
  std::string address = "127.0.0.1:7443";  ///< HOST:PORT, [IPV6]:PORT or unix:PATH.
  bool tls = false;
  std::string ca_file;             ///< PEM; empty: the system's trust store.
  std::string client_certificate;  ///< PEM, for mutual TLS; both or none.
  std::string client_key;
  std::string jwt_file;    ///< A JWT for the `authorization` header of every call.
  bool plaintext = false;  ///< The user's explicit word for plaintext beyond loopback.
  absl::Duration timeout = absl::Seconds(10);  ///< Of each call.
};

/// What to acquire; the fields are those of `AcquireForClientRequest`.
struct AcquireOptions {
  std::string registration;
  std::string tenant;
  std::vector<std::string> scopes;
  std::string resource;
  std::string audience;
  std::string claims_challenge;  ///< JSON; `@FILE` is already resolved.
  std::string client_claims;     ///< Likewise.
  bool force_refresh = false;
  std::string correlation_id;
  std::map<std::string, std::string> parameters;
  bool show_token = false;
};

/// What to do with key files; no server is asked.
enum class KeysAction { kNew, kPromote, kDropRetired, kCheck };
struct KeysOptions {
  KeysAction action = KeysAction::kCheck;
  std::string ring;                ///< "sealing", "index"; empty: not said.
  std::vector<std::string> files;  ///< One, or for `kCheck` at least one.
};

/// A command line that made sense.
struct Options {
  Command command = Command::kAcquire;
  OutputFormat output = OutputFormat::kText;
  ConnectionOptions connection;
  AcquireOptions acquire;
  std::vector<std::string> health_services = {"live", "ready"};
  KeysOptions keys;
  AdminOptions admin;
  ExplainOptions explain;
  std::string decode_file;  ///< Empty or "-": standard input.
};

/// A command line that ends here: help, version, or an error.
struct EarlyExit {
  ExitCode code = kExitUsage;
  std::string text;  ///< For stdout where the code is kExitOk, else for stderr.
};

/// Reads the command line, the environment (`TOKENSVC_ADDRESS` and the other variables that
/// `--help` names) and the files that `@FILE` names.
Expected<Options, EarlyExit> ParseOptions(int argc, const char* const* argv);

using client::IsAddress;
using client::IsLoopback;

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_OPTIONS_H_
