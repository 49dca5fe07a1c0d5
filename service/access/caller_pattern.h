// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_CALLER_PATTERN_H_
#define TOKENSVC_SERVICE_ACCESS_CALLER_PATTERN_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tokensvc {

/// The longest id a caller may have, in bytes: a SPIFFE ID's limit (SPIFFE-ID §2.3).
inline constexpr std::size_t kMaxCallerId = 2048;

/// Prefixes that end at a later separator of an id than this are not looked for: an id of nothing
/// but separators must not make a decision expensive.
inline constexpr int kMaxSeparators = 32;

/// What is wrong with `pattern` as one of `PolicyRule::callers` (no group), and what to write;
/// empty: nothing.
std::string CallerPatternMistake(absl::string_view pattern);

/// Calls `visit` with every pattern that `id` matches, the id itself first: so that a table of
/// patterns is asked a few times instead of being searched. `visit` gets views that live for its
/// call.
template <class Visit>
void ForEachPatternOf(absl::string_view id, Visit visit) {
  visit(id);
  visit(absl::string_view("*"));
  const bool is_dns = id.substr(0, 4) == "dns:";
  std::string pattern;
  int separators = 0;
  for (std::size_t at = 0; at < id.size() && separators < kMaxSeparators; ++at) {
    if (is_dns && id[at] == '.') {
      pattern = absl::StrCat("dns:*", id.substr(at));
    } else if (id[at] == '/' || id[at] == ':') {
      pattern = absl::StrCat(id.substr(0, at + 1), "*");
    } else {
      continue;
    }
    ++separators;
    visit(absl::string_view(pattern));
  }
}

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_CALLER_PATTERN_H_
