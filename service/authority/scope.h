// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_SCOPE_H_
#define TOKENSVC_SERVICE_AUTHORITY_SCOPE_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "service/authority/authority.h"
#include "service/authority/error.h"

namespace tokensvc {

inline constexpr std::size_t kMaxScopes = 32;
inline constexpr std::size_t kMaxScopeLength = 1024;

/// Scopes in the order and without the repetitions that make equal sets equal. Two spellings: as
/// they were written first, which is what the authority gets, and the canonical one, which is what
/// keys and comparisons are made of (lower case where the authority does not mind case).
class ScopeSet {
 public:
  ScopeSet() = default;
  /// Each of `scopes` follows RFC 6749 §3.3; see `ParseAppScopes` for scopes from outside.
  ScopeSet(absl::Span<const absl::string_view> scopes, ScopeRule rule);

  bool empty() const { return sent_.empty(); }
  /// Joined with spaces, as they are sent.
  const std::string& sent() const { return sent_; }
  /// Joined with spaces, in the canonical spelling.
  const std::string& canonical() const { return canonical_; }

  friend bool operator==(const ScopeSet& a, const ScopeSet& b) {
    return a.canonical_ == b.canonical_;
  }

 private:
  std::string sent_;
  std::string canonical_;
};

/// The scopes of a request for an app token, at least one, checked against RFC 6749 §3.3 and the
/// profile. Entra: exactly one `{resource}/.default`; a resource that ends in a slash keeps it
/// (`https://database.windows.net//.default`). Errors name every wrong element (`scopes[2]`) and
/// say what to write: kInvalidRequest where one is malformed, else kScopeNotAccepted. Repeats a
/// scope only if it is short and printable.
Result<ScopeSet> ParseAppScopes(absl::Span<const absl::string_view> scopes,
                                const AuthorityProfile& profile);

/// The resource of a scope `{resource}/.default`; `scope` itself where it is none.
absl::string_view ResourceOfDefaultScope(absl::string_view scope);

/// The scopes of an authority's answer (`scope`, RFC 6749 §5.1), separated by spaces.
ScopeSet SplitScopes(absl::string_view joined, ScopeRule rule);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_SCOPE_H_
