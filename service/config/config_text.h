// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_CONFIG_TEXT_H_
#define TOKENSVC_SERVICE_CONFIG_CONFIG_TEXT_H_

#include <cstddef>
#include <string>

#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// Which part of a configuration to write.
struct ConfigTextOptions {
  std::string section = {};  ///< One key of the top; empty: all.
  std::string name = {};  ///< Of lists whose entries have a name, the one of this name; empty: all.
  /// About how long the text may become; what does not fit is left out, entry by entry.
  std::size_t max_bytes = std::size_t{512} << 10;
};

struct ConfigText {
  std::string yaml;
  bool truncated = false;
};

/// `config` as its file would say it: YAML that `ParseConfig` takes, unless something was left out.
/// A field that refers to a secret is written only where it is a reference indeed, so that no
/// secret can come out of it.
ConfigText WriteConfig(const config::v1::ServiceConfig& config,
                       const ConfigTextOptions& options = {});

/// Whether a configuration has a key `section` at its top.
bool IsConfigSection(const std::string& section);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_CONFIG_TEXT_H_
