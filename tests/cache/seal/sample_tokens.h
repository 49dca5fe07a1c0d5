// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_SEAL_SAMPLE_TOKENS_H_
#define TOKENSVC_TESTS_CACHE_SEAL_SAMPLE_TOKENS_H_

#include <cstddef>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"

namespace tokensvc::testing {

inline std::string RandomBytes(RandomGenerator& random, std::size_t size) {
  std::string bytes(size, '\0');
  random.Fill(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size());
  return bytes;
}

/// `characters` characters that look random, of base64url.
inline std::string RandomText(RandomGenerator& random, std::size_t characters) {
  return absl::WebSafeBase64Escape(RandomBytes(random, characters)).substr(0, characters);
}

inline std::string JoinJwt(const std::string& header, const std::string& payload,
                           const std::string& signature) {
  return absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(payload),
                      ".", absl::WebSafeBase64Escape(signature));
}

/// An app token as Entra ID's v1.0 endpoint writes it, of about `size` bytes; roles fill it up. All
/// that is random in a real one is random here, the RS256 signature first of all.
inline std::string EntraToken(RandomGenerator& random, std::size_t size) {
  const std::string tenant = MakeUuid(random);
  const std::string object = MakeUuid(random);
  const std::string key = RandomText(random, 27);
  const std::string header =
      absl::StrCat(R"({"typ":"JWT","nonce":")", RandomText(random, 43),
                   R"(","alg":"RS256","x5t":")", key, R"(","kid":")", key, R"("})");
  const std::string before = absl::StrCat(
      R"({"aud":"https://orders.contoso.example","iss":"https://sts.windows.net/)", tenant,
      R"(/","iat":1767323045,"nbf":1767323045,"exp":1767326945,"aio":")", RandomText(random, 44),
      R"(","app_displayname":"invoice-exporter","appid":")", MakeUuid(random),
      R"(","appidacr":"2","idp":"https://sts.windows.net/)", tenant, R"(/","idtyp":"app","oid":")",
      object, R"(","rh":"1.)", RandomText(random, 40), R"(.","roles":["Orders.Read.All")");
  const std::string after = absl::StrCat(
      R"(],"sub":")", object, R"(","tid":")", tenant, R"(","uti":")", RandomText(random, 22),
      R"(","ver":"1.0","xms_ftd":")", RandomText(random, 60), R"("})");
  const std::string signature = RandomBytes(random, 256);
  std::string roles;
  for (int i = 0;; ++i) {
    const std::string token = JoinJwt(header, before + roles + after, signature);
    if (token.size() >= size) return token;
    static constexpr const char* kThings[] = {"Invoice", "Customer", "Shipment", "Warehouse",
                                              "Refund",  "Price",    "Contract", "Address"};
    static constexpr const char* kActions[] = {".Read.All", ".ReadWrite.All", ".Export",
                                               ".Approve"};
    absl::StrAppend(&roles, ",\"", kThings[i % 8], kActions[i / 8 % 4], "\"");
  }
}

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_SEAL_SAMPLE_TOKENS_H_
