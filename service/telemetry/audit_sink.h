// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_AUDIT_SINK_H_
#define TOKENSVC_SERVICE_TELEMETRY_AUDIT_SINK_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tokensvc {

/// A device that takes audit lines. Used by one thread, which is the only one that may have to wait
/// for it. Errors name no path.
class AuditSink {
 public:
  struct Written {
    std::size_t bytes = 0;  ///< Of the lines that were taken whole, from the first.
    absl::Status status;    ///< Why not all were.
  };

  virtual ~AuditSink() = default;
  /// "file", … for logs.
  virtual absl::string_view name() const = 0;
  /// `lines`: whole ones, each with its newline. A device that takes nothing for half a second is
  /// an error.
  virtual Written Write(absl::string_view lines) = 0;
  /// Whatever was written survives the machine once this succeeded.
  virtual absl::Status Sync() = 0;
  /// Begins anew, after the file was moved away. What was open before stays in use where it fails.
  virtual absl::Status Reopen() = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_AUDIT_SINK_H_
