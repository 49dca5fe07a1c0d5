// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_JWT_H_
#define TOKENSVC_TESTS_AUTHORITY_JWT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/authority/json.h"
#include "tests/authority/keys.h"

namespace tokensvc::devauth {

/// A compact JWS taken apart; nothing about it is verified yet.
struct ParsedJwt {
  Json header;
  Json claims;
  std::string signing_input;
  std::string signature;
};

/// Takes a compact JWS apart: three canonical base64url parts, header and claims strict JSON
/// objects, at most 64 KiB. Nothing where it is anything else.
std::optional<ParsedJwt> ParseJwt(absl::string_view compact);

/// An RS256 JWT of `claims` with `kid` and `typ: JWT` in its header.
std::string SignJwt(const SigningKey& key, const Json& claims);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_JWT_H_
