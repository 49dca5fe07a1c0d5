// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_ADMIN_ACTION_H_
#define TOKENSVC_SERVICE_RPC_ADMIN_ACTION_H_

#include <functional>
#include <string>

namespace tokensvc {

/// One attempt of a known caller to change something through the AdminService, for the audit log.
struct AdminAction {
  std::string caller;  ///< Its id.
  std::string action;  ///< The RPC: `PurgeCache`, `Reload`.
  /// `registration orders`, `tenant entra contoso.com`, `credential orders orders/0`; empty where
  /// the action has none. What has not the shape of a name is not repeated.
  std::string target;
  /// `done`, `done_here_only` (nothing is shared), `unchanged`, `refused` (a configuration with
  /// mistakes); where the call failed the reason that the caller got, `ROLE_REQUIRED` for one.
  std::string outcome;
  std::string correlation_id;
  std::string trace_id;  ///< Empty: the call brought none.
};

/// Takes a copy, and calls `then` once: at once or later, on any thread, with whether the attempt
/// may be answered; false where it may not go without a record and there is none. Thread-safe.
using AdminActionSink = std::function<void(const AdminAction&, std::function<void(bool)> then)>;

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_ADMIN_ACTION_H_
