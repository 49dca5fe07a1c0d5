// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/admin_options.h"

#include "CLI/CLI.hpp"

namespace tokensvc::tokenctl {
namespace {

constexpr char kAdminHelp[] =
    "Ask a replica's AdminService: what runs, what it holds, what its policy says; purge, reload";
constexpr char kAdminFooter[] =
    R"(The AdminService has a listener of its own (`serves: admin` in the configuration): give its address with
--address, for example --address unix:/run/tokensvc/admin.sock. Each command is about the replica that
answers; a purge reaches all that share its Redis. Looking takes a caller in policy.observers, purge and
reload one in policy.administrators. No answer holds a token, a key or a secret.

Examples:
  tokenctl --address unix:/run/tokensvc/admin.sock admin build-info
  tokenctl --address unix:/run/tokensvc/admin.sock admin config --section registrations --name orders
  tokenctl --address unix:/run/tokensvc/admin.sock admin cache --top 20
  tokenctl --address unix:/run/tokensvc/admin.sock admin purge --authority entra --tenant contoso.com
  tokenctl --address unix:/run/tokensvc/admin.sock admin reload
`tokenctl explain` says who may have what. docs/ADMINISTRATION.md has the rest.)";

constexpr char kBuildInfoHelp[] = "Version, libraries, and since when it runs";
constexpr char kConfigHelp[] =
    "The configuration in force as YAML, every default written out; secrets are references";
constexpr char kCacheHelp[] =
    "What the local cache holds, and the tenants that hold the most of it";
constexpr char kKeyRingsHelp[] =
    "The keys that replicas share, by id, state and age, to watch a rotation: never a key";
constexpr char kPurgeHelp[] =
    "Forget the cached tokens of a registration, a tenant or a credential, here and in Redis";
constexpr char kPurgeFooter[] =
    R"(One of:
  --registration NAME                     all tokens of a registration
  --authority NAME --tenant TENANT        all tokens of a tenant, whichever registration they are of
  --registration NAME --credential ID     the tokens that a credential was used for; ids are NAME/INDEX

Clients that keep tokens themselves go on with them until near_cache_until. With exit code 1 and status
UNAVAILABLE the purge holds in this replica only, because Redis could not be told: run it again.)";
constexpr char kReloadHelp[] =
    "Read the configuration again; with exit code 1 and every mistake where it is refused";
constexpr char kTestPolicyHelp[] =
    "Ask the policy in force what a file of expectations says of it; exit code 1 if anything "
    "differs";

constexpr char kExplainHelp[] =
    "Would the policy in force let a caller have a token, and why? Exit code 1 where it would not";
constexpr char kExplainFooter[] =
    R"(Asks the AdminService (see `tokenctl admin --help`), which takes a caller in policy.observers. No authority is
asked, and no token fetched.

  tokenctl --address unix:/run/tokensvc/admin.sock explain --caller spiffe://prod.example/ns/shop/sa/cart \
    --registration orders --tenant contoso.com --scope https://graph.microsoft.com/.default

The log's lines `call_failed` have the caller's id, and in `denied_for` what a rule lacked.)";

void AddExplainOptions(CLI::App* command, ExplainOptions* explain) {
  command
      ->add_option("--caller", explain->caller,
                   "The caller's id: spiffe://…, uri:…, dns:…, jwt:ISSUER:SUBJECT or local:NAME")
      ->type_name("ID")
      ->required();
  command->add_option("--registration", explain->registration, "The client registration")
      ->type_name("NAME")
      ->required();
  command->add_option("--scope", explain->scopes, "Scope to ask for; may be repeated")
      ->type_name("SCOPE")
      ->allow_extra_args(false)
      ->required();
  command
      ->add_option("--tenant", explain->tenant,
                   "Authority tenant (default: the registration's default_tenant)")
      ->type_name("TENANT");
  command->add_option("--grant", explain->grant, "Grant (default: client_credentials)")
      ->type_name("GRANT");
  command->add_flag("--force-refresh", explain->force_refresh,
                    "As if the call skipped the cache: force_refresh, or a claims challenge");
  command->add_flag("--client-claims", explain->client_claims,
                    "As if the call brought claims of its own");
}

void AddPurgeOptions(CLI::App* command, AdminOptions* options) {
  command->add_option("--registration", options->registration, "The client registration")
      ->type_name("NAME");
  command
      ->add_option("--authority", options->authority,
                   "The authority's name in the configuration; with --tenant")
      ->type_name("NAME");
  command
      ->add_option("--tenant", options->tenant,
                   "The tenant as callers ask for it, a GUID or a domain; with --authority")
      ->type_name("TENANT");
  command
      ->add_option("--credential", options->credential,
                   "The credential's id, as logs and metrics name it; with --registration")
      ->type_name("ID");
}

}  // namespace

AdminCommands AddAdminCommands(CLI::App* app, AdminOptions* options, ExplainOptions* explain) {
  AdminCommands commands;
  commands.admin = app->add_subcommand("admin", kAdminHelp);
  commands.admin->footer(kAdminFooter);
  commands.admin->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, AdminAction action) {
    CLI::App* const command = commands.admin->add_subcommand(name, help);
    command->callback([options, action] { options->action = action; });
    return command;
  };
  add("build-info", kBuildInfoHelp, AdminAction::kBuildInfo);
  CLI::App* const config = add("config", kConfigHelp, AdminAction::kConfig);
  config
      ->add_option("--section", options->section,
                   "One key of the top of the file, for example registrations (default: all)")
      ->type_name("KEY");
  config
      ->add_option("--name", options->name, "Of lists of named entries, only the one of this name")
      ->type_name("NAME");
  CLI::App* const cache = add("cache", kCacheHelp, AdminAction::kCache);
  cache->add_option("--top", options->top, "How many tenants to list, 1 to 100 (default: 10)")
      ->type_name("N")
      ->check(CLI::Range(1, 100));
  add("key-rings", kKeyRingsHelp, AdminAction::kKeyRings);
  CLI::App* const purge = add("purge", kPurgeHelp, AdminAction::kPurge);
  purge->footer(kPurgeFooter);
  AddPurgeOptions(purge, options);
  add("reload", kReloadHelp, AdminAction::kReload);
  CLI::App* const test = add("test-policy", kTestPolicyHelp, AdminAction::kTestPolicy);
  test->add_option("file", options->expectations_file,
                   "The expectations, YAML (docs/POLICY.md), at most 200 KiB")
      ->type_name("FILE")
      ->required();

  commands.explain = app->add_subcommand("explain", kExplainHelp);
  commands.explain->footer(kExplainFooter);
  AddExplainOptions(commands.explain, explain);
  return commands;
}

void FinishAdmin(const AdminCommands& commands, AdminOptions* options) {
  if (!*commands.admin || options->action != AdminAction::kPurge) return;
  const bool registration = !options->registration.empty();
  const bool tenant = !options->tenant.empty();
  const bool authority = !options->authority.empty();
  const bool credential = !options->credential.empty();
  const bool one = (registration && !tenant && !authority) ||
                   (!registration && !credential && tenant && authority);
  if (one) return;
  throw CLI::ValidationError(
      "purge: want --registration, or --authority and --tenant, or --registration and --credential",
      2);
}

}  // namespace tokensvc::tokenctl
