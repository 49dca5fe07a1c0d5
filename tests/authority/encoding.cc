// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/encoding.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tokensvc::devauth {
namespace {

std::string Digest(const EVP_MD* algorithm, absl::string_view bytes) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size,
             algorithm, nullptr);
  out.resize(size);
  return out;
}

std::string FormatUuid(std::string bytes) {
  bytes.resize(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  const std::string hex = absl::BytesToHexString(bytes);
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

}  // namespace

std::string Base64UrlEncode(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

// Abseil's decoders are lenient; encoding again and comparing leaves the canonical form only.
std::optional<std::string> Base64UrlDecode(absl::string_view text) {
  std::string out;
  if (!absl::WebSafeBase64Unescape(text, &out)) return std::nullopt;
  if (absl::WebSafeBase64Escape(out) != text) return std::nullopt;
  return out;
}

std::optional<std::string> Base64Decode(absl::string_view text) {
  std::string out;
  if (!absl::Base64Unescape(text, &out)) return std::nullopt;
  if (absl::Base64Escape(out) != text) return std::nullopt;
  return out;
}

std::string Sha1(absl::string_view bytes) { return Digest(EVP_sha1(), bytes); }
std::string Sha256(absl::string_view bytes) { return Digest(EVP_sha256(), bytes); }

std::string RandomUuid() {
  std::string bytes(16, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return FormatUuid(bytes);
}

std::string UuidFromText(absl::string_view text) { return FormatUuid(Sha256(text)); }

bool ConstantTimeEquals(absl::string_view a, absl::string_view b) {
  const std::string left = Sha256(a);
  const std::string right = Sha256(b);
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool IsGuid(absl::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) {
      return false;
    }
  }
  return true;
}

}  // namespace tokensvc::devauth
