// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/options.h"

#include <sstream>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "client/tokenctl/file_input.h"
#include "client/tokenctl/help_text.h"
#include "client/tokenctl/terminal_text.h"

namespace tokensvc::tokenctl {
namespace {

// A challenge comes out of an HTTP header, so it is far smaller than this.
constexpr std::size_t kMaxClaimsBytes = std::size_t{64} << 10;

/// What CLI11 fills in, before it is checked.
struct RawOptions {
  std::string timeout = "10s";
  std::string output = "text";
  std::string health_service;
  std::vector<std::string> parameters;
};

/// CLI11 reports through exceptions; they end in `ParseOptions`.
void Require(bool condition, const std::string& message) {
  if (!condition) throw CLI::ValidationError(message, 2);
}

void AddGlobalOptions(CLI::App* app, Options* options, RawOptions* raw) {
  ConnectionOptions& connection = options->connection;
  app->add_option("--address", connection.address,
                  "The server: HOST:PORT, [IPV6]:PORT or unix:PATH")
      ->envname("TOKENSVC_ADDRESS")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app->add_flag("--tls", connection.tls, "Use TLS; needed beyond loopback")
      ->envname("TOKENSVC_TLS");
  app->add_option("--ca-file", connection.ca_file,
                  "PEM file of the CAs to trust (default: the system's); needs --tls")
      ->envname("TOKENSVC_CA_FILE")
      ->type_name("FILE");
  app->add_option("--client-certificate", connection.client_certificate,
                  "PEM file of the certificate that says who you are; needs --tls and --client-key")
      ->envname("TOKENSVC_CLIENT_CERTIFICATE")
      ->type_name("FILE");
  app->add_option("--client-key", connection.client_key,
                  "PEM file of its private key, without a pass phrase")
      ->envname("TOKENSVC_CLIENT_KEY")
      ->type_name("FILE");
  app->add_option("--jwt-file", connection.jwt_file,
                  "File of a JWT that says who you are; beyond loopback it needs --tls")
      ->envname("TOKENSVC_JWT_FILE")
      ->type_name("FILE");
  app->add_flag("--plaintext", connection.plaintext,
                "Speak plaintext even beyond loopback: whoever listens in can read the tokens");
  app->add_option("--timeout", raw->timeout,
                  "How long one call may take, for example 500ms, 10s, 1m")
      ->type_name("DURATION")
      ->capture_default_str();
  app->add_option("--output", raw->output, "text or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

/// What to acquire. `required`: the command makes no sense without.
void AddAcquireOptions(CLI::App* command, AcquireOptions* acquire, RawOptions* raw, bool required) {
  command
      ->add_option("--registration", acquire->registration,
                   "Name of the client registration in the service's configuration")
      ->type_name("NAME")
      ->required(required);
  command
      ->add_option("--scope", acquire->scopes,
                   "Scope to ask for; may be repeated. Entra: exactly one, <resource>/.default")
      ->type_name("SCOPE")
      ->allow_extra_args(false)
      ->required(required);
  command->add_option("--tenant", acquire->tenant, "Authority tenant: a GUID or a verified domain")
      ->type_name("TENANT");
  command
      ->add_option("--resource", acquire->resource, "RFC 8707 resource indicator (not for Entra)")
      ->type_name("URI");
  command->add_option("--audience", acquire->audience, "`audience` parameter (not for Entra)")
      ->type_name("TEXT");
  command
      ->add_option(
          "--claims-challenge", acquire->claims_challenge,
          "Claims challenge of a resource's 401, as it came: JSON or @FILE. Skips the cache")
      ->type_name("JSON|@FILE");
  command
      ->add_option("--client-claims", acquire->client_claims,
                   "Claims that you want yourself (OIDC Core 5.5): JSON or @FILE")
      ->type_name("JSON|@FILE");
  command->add_flag("--force-refresh", acquire->force_refresh,
                    "Ask the authority although a token is cached");
  command
      ->add_option("--correlation-id", acquire->correlation_id,
                   "Your id for the service's logs (default: the service makes one)")
      ->type_name("ID");
  command
      ->add_option("--parameter", raw->parameters,
                   "Further parameter of the token request; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

struct KeysCommands {
  CLI::App* keys;
  CLI::App* create;
  CLI::App* promote;
  CLI::App* drop_retired;
};

KeysCommands AddKeysCommands(CLI::App* app, KeysOptions* options) {
  CLI::App* keys = app->add_subcommand("keys", kKeysHelp);
  keys->footer(kKeysFooter);
  keys->require_subcommand(1);
  CLI::App* create = keys->add_subcommand("new", kKeysNewHelp);
  create
      ->add_option("--ring", options->ring,
                   "What the keys are for; makes the file where there is none")
      ->type_name("RING")
      ->check(CLI::IsMember({"sealing", "index"}));
  create->add_option("--out", options->files, "The key file")
      ->type_name("FILE")
      ->expected(1)
      ->required();
  CLI::App* promote = keys->add_subcommand("promote", kKeysPromoteHelp);
  promote->add_option("file", options->files, "The key file")->expected(1)->required();
  CLI::App* drop_retired = keys->add_subcommand("drop-retired", kKeysDropRetiredHelp);
  drop_retired->add_option("file", options->files, "The key file")->expected(1)->required();
  CLI::App* check = keys->add_subcommand("check", kKeysCheckHelp);
  check->add_option("file", options->files, "Key files")->required();
  return {keys, create, promote, drop_retired};
}

void ResolveFileReference(const char* option, std::string* value) {
  if (value->empty() || value->front() != '@') return;
  absl::StatusOr<std::string> content = ReadFile(value->substr(1), kMaxClaimsBytes);
  Require(content.ok(), absl::StrCat(option, ": ", content.status().message()));
  *value = *std::move(content);
}

/// Of commands that ask a server.
void CheckConnection(const ConnectionOptions& connection) {
  Require(connection.ca_file.empty() || connection.tls, "--ca-file needs --tls");
  Require(connection.client_certificate.empty() == connection.client_key.empty(),
          "--client-certificate and --client-key: both or none");
  Require(connection.client_certificate.empty() || connection.tls,
          "--client-certificate needs --tls");
  Require(!connection.tls || !connection.plaintext, "--tls and --plaintext exclude each other");
  const bool is_private = connection.tls || IsLoopback(connection.address);
  Require(
      is_private || connection.plaintext,
      "--address is beyond loopback: use --tls (or --plaintext, and everybody on the way can read "
      "the tokens)");
  Require(is_private || connection.jwt_file.empty(),
          "--jwt-file beyond loopback needs --tls: whoever listens in could call as you");
}

void Finish(const RawOptions& raw, Options* options) {
  ConnectionOptions& connection = options->connection;
  Require(IsAddress(connection.address),
          "--address: want HOST:PORT (1-65535), [IPV6]:PORT or unix:PATH");
  Require(absl::ParseDuration(raw.timeout, &connection.timeout) &&
              connection.timeout >= absl::Milliseconds(1) &&
              connection.timeout <= absl::Minutes(10),
          "--timeout: want a duration from 1ms to 10m, for example 10s");
  if (options->command != Command::kDecode && options->command != Command::kKeys) {
    CheckConnection(connection);
  }
  options->output = raw.output == "json" ? OutputFormat::kJson : OutputFormat::kText;
  if (raw.health_service.empty()) {
    options->health_services = {"live", "ready"};
  } else {
    options->health_services = {raw.health_service};
  }
  AcquireOptions& acquire = options->acquire;
  for (const std::string& parameter : raw.parameters) {
    const std::size_t equals = parameter.find('=');
    Require(equals != std::string::npos && equals > 0, "--parameter: want NAME=VALUE");
    const bool is_new =
        acquire.parameters.emplace(parameter.substr(0, equals), parameter.substr(equals + 1))
            .second;
    Require(is_new, "--parameter: the same name twice");
  }
  Require(
      options->command != Command::kCheck || acquire.registration.empty() == acquire.scopes.empty(),
      "check: --registration and --scope go together");
  ResolveFileReference("--claims-challenge", &acquire.claims_challenge);
  ResolveFileReference("--client-claims", &acquire.client_claims);
}

}  // namespace

Expected<Options, EarlyExit> ParseOptions(int argc, const char* const* argv) {
  Options options;
  RawOptions raw;
  CLI::App app(kDescription, "tokenctl");
  app.footer(kFooter);
  app.set_version_flag("--version", TOKENSVC_VERSION);
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobalOptions(&app, &options, &raw);

  CLI::App* acquire = app.add_subcommand("acquire", kAcquireHelp);
  CLI::App* header = app.add_subcommand("header", kHeaderHelp);
  CLI::App* health = app.add_subcommand("health", kHealthHelp);
  CLI::App* check = app.add_subcommand("check", kCheckHelp);
  CLI::App* decode = app.add_subcommand("decode", kDecodeHelp);
  const KeysCommands keys = AddKeysCommands(&app, &options.keys);
  const AdminCommands administration = AddAdminCommands(&app, &options.admin, &options.explain);
  AddAcquireOptions(acquire, &options.acquire, &raw, true);
  AddAcquireOptions(header, &options.acquire, &raw, true);
  AddAcquireOptions(check, &options.acquire, &raw, false);
  for (CLI::App* command : {acquire, header, health, check, decode}) {
    command->footer(
        "`tokenctl --help` shows the options for the connection, examples and exit codes.");
  }
  for (CLI::App* command : {acquire, header}) {
    command->add_flag(
        "--show-token", options.acquire.show_token,
        "Print the token verbatim: it then stands in your terminal's memory and logs");
  }
  health->add_option("--service", raw.health_service, "live or ready (default: both)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"live", "ready"}));
  decode->add_option("file", options.decode_file,
                     "File with the token (default or -: standard input)");

  try {
    app.parse(argc, argv);
    options.command = *acquire                  ? Command::kAcquire
                      : *header                 ? Command::kHeader
                      : *health                 ? Command::kHealth
                      : *check                  ? Command::kCheck
                      : *keys.keys              ? Command::kKeys
                      : *administration.admin   ? Command::kAdmin
                      : *administration.explain ? Command::kExplain
                                                : Command::kDecode;
    options.keys.action = *keys.create         ? KeysAction::kNew
                          : *keys.promote      ? KeysAction::kPromote
                          : *keys.drop_retired ? KeysAction::kDropRetired
                                               : KeysAction::kCheck;
    FinishAdmin(administration, &options.admin);
    Finish(raw, &options);
  } catch (const CLI::Success& success) {  // --help, --version
    std::ostringstream text;
    app.exit(success, text, text);
    return EarlyExit{kExitOk, text.str()};
  } catch (const CLI::ParseError& error) {
    // CLI11 repeats what was typed; it may have been pasted from anywhere.
    return EarlyExit{kExitUsage,
                     absl::StrCat("tokenctl: ", EscapeForTerminal(error.what()),
                                  "\nRun `tokenctl --help` for options and examples.\n")};
  }
  return options;
}

}  // namespace tokensvc::tokenctl
