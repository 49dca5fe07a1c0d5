// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/row_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "client/tokenctl/terminal_text.h"

namespace tokensvc::tokenctl {

void AppendRow(absl::string_view name, absl::string_view value, std::string* text) {
  if (value.empty()) return;
  absl::StrAppendFormat(text, "  %-13s %s\n", name, EscapeForTerminal(value));
}

void AppendBlock(absl::string_view name, absl::string_view block, std::string* text) {
  absl::StrAppend(text, "  ", name, "\n");
  for (const absl::string_view line : absl::StrSplit(block, '\n')) {
    absl::StrAppend(text, "    ", line, "\n");
  }
}

}  // namespace tokensvc::tokenctl
