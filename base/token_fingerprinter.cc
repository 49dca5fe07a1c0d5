// SPDX-License-Identifier: Apache-2.0
#include "base/token_fingerprinter.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

struct Deleter {
  void operator()(EVP_MAC* p) const { EVP_MAC_free(p); }
  void operator()(EVP_MAC_CTX* p) const { EVP_MAC_CTX_free(p); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, Deleter>;

Secret RandomKey(RandomGenerator& random) {
  std::string key(32, '\0');
  random.Fill(reinterpret_cast<unsigned char*>(key.data()), key.size());
  return Secret(std::move(key));
}

}  // namespace

/// Algorithms are looked up and the key is scheduled once; each fingerprint begins with a copy.
struct TokenFingerprinter::Context {
  std::unique_ptr<EVP_MAC, Deleter> hmac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  MacContext keyed{EVP_MAC_CTX_new(hmac.get())};
};

TokenFingerprinter::TokenFingerprinter(const Secret& key) : context_(std::make_unique<Context>()) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.Reveal().data());
  if (context_->keyed == nullptr ||
      EVP_MAC_init(context_->keyed.get(), bytes, key.size(), parameters) != 1) {
    std::abort();
  }
}

TokenFingerprinter::TokenFingerprinter(RandomGenerator& random)
    : TokenFingerprinter(RandomKey(random)) {}

TokenFingerprinter::~TokenFingerprinter() = default;

std::uint64_t TokenFingerprinter::Fingerprint(absl::string_view token) const {
  const MacContext context(EVP_MAC_CTX_dup(context_->keyed.get()));
  unsigned char out[32];
  std::size_t written = 0;
  if (context == nullptr ||
      EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(token.data()),
                     token.size()) != 1 ||
      EVP_MAC_final(context.get(), out, &written, sizeof(out)) != 1) {
    std::abort();
  }
  std::uint64_t fingerprint = 0;
  for (int i = 0; i < 8; ++i) fingerprint = fingerprint << 8 | out[i];
  // 0 stands for "none" wherever fingerprints are kept.
  return fingerprint == 0 ? 1 : fingerprint;
}

std::string FingerprintText(std::uint64_t fingerprint) {
  return absl::StrCat(absl::Hex(fingerprint, absl::kZeroPad16));
}

}  // namespace tokensvc
