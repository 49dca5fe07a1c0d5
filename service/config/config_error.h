// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_CONFIG_ERROR_H_
#define TOKENSVC_SERVICE_CONFIG_CONFIG_ERROR_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// One mistake in a configuration file. No field ever holds a value of the file: people paste
/// secrets into the wrong place.
struct ConfigError {
  std::string
      path;      ///< Of the key, `registrations[0].credentials[1].secret.value`; empty = the file.
  int line = 0;  ///< From 1; 0 where there is no place to point at.
  int column = 0;       ///< From 1, in bytes.
  std::string message;  ///< What is wrong and what to write.
};

/// One line for each error, `file:line:column: path: message`, each ended by a newline.
std::string FormatConfigErrors(absl::string_view file, const std::vector<ConfigError>& errors);

/// Where something stands in the file, from 1.
struct ConfigPosition {
  int line = 1;
  int column = 1;
};

/// Where each key of the file stands, for checks that run on the finished message.
class ConfigLocations {
 public:
  void Add(const std::string& path, ConfigPosition position) { positions_[path] = position; }
  /// The place of `path`, or of the closest thing around it that the file has.
  ConfigPosition Find(std::string path) const;

 private:
  std::map<std::string, ConfigPosition> positions_;
};

/// Collects the errors of all passes. Not thread-safe.
class ConfigErrorCollector {
 public:
  /// Enough to repair any file; a file of nothing but errors must not fill a log.
  static constexpr std::size_t kMaxErrors = 100;

  void Add(const std::string& path, ConfigPosition position, std::string message);

  /// Whether an error was found at `path` or below it, which makes later checks of the same place
  /// noise.
  bool Covers(const std::string& path) const;

  bool empty() const { return errors_.empty(); }
  /// All errors, ordered by place. Leaves the collector empty.
  std::vector<ConfigError> Take();

 private:
  std::vector<ConfigError> errors_;
  std::set<std::string> paths_;
  bool overflowed_ = false;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_CONFIG_ERROR_H_
