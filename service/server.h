// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SERVER_H_
#define TOKENSVC_SERVICE_SERVER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/log.h"
#include "service/config/reload_requests.h"
#include "service/source/purger.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// The whole service in one object: reads like DESIGN.md §4 from the outside in, and is the one
/// place that knows which adapter stands behind which port. Made, reloaded and drained from one
/// thread.
class Server {
 public:
  /// Starts everything and becomes ready. `config` is validated already; what can still fail are
  /// addresses that are taken and files that changed in between. `reloads` carries what
  /// administrators ask for; null: they can't.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const config::v1::ServiceConfig& config,
                                                       const Clock& clock, Logger& logger,
                                                       ReloadRequests* reloads = nullptr);
  /// Stops at once. Call `Drain` first.
  ~Server();

  /// Puts the registrations and authorities of `config` in force, unless it is the one that is.
  /// Listeners, caches and threads stay as they are until the next start; whether their part
  /// differs from what this process started with is logged.
  absl::Status Reload(const config::v1::ServiceConfig& config);

  /// Has the audit log begin a new file, because the old one was moved away.
  void ReopenAuditLog();

  /// Takes over what changed in the TLS files of listeners. To be called about once a second.
  void Poll();

  /// Not ready any more, new calls are sent elsewhere; returns when the running ones have ended,
  /// and a little after the configured time at the latest.
  void Drain();

  /// Forgets cached tokens, here and in all replicas. Any thread may ask it, until this ends.
  Purger& purger();

  /// Name and bound address of every listener, in the order of the configuration; `metrics` last.
  std::vector<std::pair<std::string, std::string>> Addresses() const;

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SERVER_H_
