// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_ROW_TEXT_H_
#define TOKENSVC_CLIENT_TOKENCTL_ROW_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc::tokenctl {

/// Appends `  name         value` and a line end: the form of everything that tokenctl prints for
/// people. `value` is escaped for the terminal; a row without value is left out.
void AppendRow(absl::string_view name, absl::string_view value, std::string* text);

/// Appends `  name:` and the lines of `block` below it, indented further; `block` must be safe
/// already.
void AppendBlock(absl::string_view name, absl::string_view block, std::string* text);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_ROW_TEXT_H_
