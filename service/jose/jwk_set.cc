// SPDX-License-Identifier: Apache-2.0
#include "service/jose/jwk_set.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "base/json.h"
#include "service/jose/base64url.h"
#include "service/jose/claim_text.h"
#include "service/jose/thumbprint.h"

namespace tokensvc {
namespace {

// A set, its array, its keys and their `key_ops` and `x5c`, with room for what others invent.
constexpr JsonLimits kLimits = {JwkSet::kMaxBytes, 8, 4096};

// RFC 7518 §6.2.2 and §6.3.2, and `k` of §6.4.
constexpr std::array<absl::string_view, 8> kPrivateMembers = {"d",  "p",  "q",   "dp",
                                                              "dq", "qi", "oth", "k"};

/// The string member `name`: nullopt where there is something else, empty where there is nothing.
std::optional<std::string> OptionalText(const Json& key, const char* name) {
  const auto member = key.find(name);
  if (member == key.end()) return "";
  if (!IsClaimText(*member)) return std::nullopt;
  return member->get<std::string>();
}

std::optional<std::string> Number(const Json& key, const char* name) {
  const absl::string_view text = StringMember(key, name);
  // About twice what the largest modulus takes: no more is worth decoding.
  if (text.empty() || text.size() > 2800) return std::nullopt;
  return DecodeBase64Url(text);
}

bool MayVerify(const Json& key) {
  const std::optional<std::string> use = OptionalText(key, "use");
  if (!use.has_value() || (key.contains("use") && *use != "sig")) return false;
  const auto operations = key.find("key_ops");
  if (operations == key.end()) return true;
  return operations->is_array() &&
         std::any_of(operations->begin(), operations->end(),
                     [](const Json& operation) { return operation == "verify"; });
}

std::optional<PublicKey> ReadPublicKey(const Json& key) {
  const absl::string_view type = StringMember(key, "kty");
  if (type == "RSA") {
    const std::optional<std::string> n = Number(key, "n"), e = Number(key, "e");
    if (!n.has_value() || !e.has_value()) return std::nullopt;
    return PublicKey::FromRsa(*n, *e);
  }
  if (type == "EC" && StringMember(key, "crv") == "P-256") {
    const std::optional<std::string> x = Number(key, "x"), y = Number(key, "y");
    if (!x.has_value() || !y.has_value()) return std::nullopt;
    return PublicKey::FromEcP256(*x, *y);
  }
  return std::nullopt;
}

std::optional<Jwk> ReadKey(const Json& key) {
  if (!key.is_object() || !MayVerify(key)) return std::nullopt;
  for (const absl::string_view name : kPrivateMembers) {
    if (key.contains(std::string(name))) return std::nullopt;
  }
  std::optional<std::string> kid = OptionalText(key, "kid");
  const std::optional<std::string> algorithm_name = OptionalText(key, "alg");
  std::optional<std::string> issuer = OptionalText(key, "issuer");
  if (!kid.has_value() || !algorithm_name.has_value() || !issuer.has_value()) return std::nullopt;
  const std::optional<JwsAlgorithm> algorithm = FindJwsAlgorithm(*algorithm_name);
  if (key.contains("alg") && !algorithm.has_value()) return std::nullopt;
  std::optional<PublicKey> public_key = ReadPublicKey(key);
  if (!public_key.has_value()) return std::nullopt;
  if (algorithm.has_value() && !public_key->Fits(*algorithm)) return std::nullopt;
  if (absl::StrContains(*issuer, kTenantTemplate)) issuer->clear();
  return Jwk{*std::move(kid), algorithm, *std::move(issuer), *std::move(public_key)};
}

}  // namespace

absl::StatusOr<JwkSet> JwkSet::Parse(absl::string_view text) {
  const absl::StatusOr<Json> document = ParseJsonObject(text, kLimits);
  if (!document.ok()) return document.status();
  const auto keys = document->find("keys");
  if (keys == document->end() || !keys->is_array()) {
    return absl::InvalidArgumentError("JWK set: it has no array \"keys\"");
  }
  if (keys->size() > kMaxKeys) return absl::InvalidArgumentError("JWK set: too many keys");
  JwkSet set;
  for (const Json& key : *keys) {
    std::optional<Jwk> read = ReadKey(key);
    if (read.has_value() && std::count(set.keys_.begin(), set.keys_.end(), *read) == 0) {
      set.keys_.push_back(*std::move(read));
    } else {
      ++set.skipped_;
    }
  }
  if (set.keys_.empty()) return absl::InvalidArgumentError("JWK set: no key in it can be used");
  set.digest_ = Sha256(text);
  return set;
}

JwkSet::Choice JwkSet::Find(std::optional<absl::string_view> kid, JwsAlgorithm algorithm) const {
  Choice choice;
  for (const Jwk& key : keys_) {
    if (kid.has_value() && key.kid != *kid) continue;
    if (!key.key.Fits(algorithm) || key.algorithm.value_or(algorithm) != algorithm) continue;
    if (choice.key != nullptr) return Choice{nullptr, true};
    choice.key = &key;
  }
  return choice;
}

}  // namespace tokensvc
