// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_ADMIN_OPTIONS_H_
#define TOKENSVC_CLIENT_TOKENCTL_ADMIN_OPTIONS_H_

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tokensvc::tokenctl {

/// What `tokenctl admin` asks of a replica's AdminService.
enum class AdminAction { kBuildInfo, kConfig, kCache, kKeyRings, kPurge, kReload, kTestPolicy };

struct AdminOptions {
  AdminAction action = AdminAction::kBuildInfo;
  // Of `config`.
  std::string section;
  std::string name;
  int top = 0;  ///< Of `cache`; 0: as the server likes it.
  // Of `purge`.
  std::string registration;
  std::string authority;
  std::string tenant;
  std::string credential;
  std::string expectations_file;  ///< Of `test-policy`.
};

/// What `tokenctl explain` asks about.
struct ExplainOptions {
  std::string caller;
  std::string registration;
  std::string tenant;
  std::string grant;
  std::vector<std::string> scopes;
  bool force_refresh = false;
  bool client_claims = false;
};

/// The two commands, as CLI11 knows them.
struct AdminCommands {
  CLI::App* admin = nullptr;
  CLI::App* explain = nullptr;
};

/// Adds them to `app`; what is parsed goes to the two, which must live as long.
AdminCommands AddAdminCommands(CLI::App* app, AdminOptions* options, ExplainOptions* explain);

/// Checks what CLI11 can't; throws its ValidationError.
void FinishAdmin(const AdminCommands& commands, AdminOptions* options);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_ADMIN_OPTIONS_H_
