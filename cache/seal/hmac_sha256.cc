// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/hmac_sha256.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tokensvc {

struct HmacSha256::Context {
  struct Deleter {
    void operator()(EVP_MAC* p) const { EVP_MAC_free(p); }
    void operator()(EVP_MAC_CTX* p) const { EVP_MAC_CTX_free(p); }
  };
  std::unique_ptr<EVP_MAC, Deleter> hmac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  std::unique_ptr<EVP_MAC_CTX, Deleter> context{EVP_MAC_CTX_new(hmac.get())};
};

HmacSha256::HmacSha256() : context_(std::make_unique<Context>()) {
  if (context_->context == nullptr) std::abort();
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(context_->context.get(), parameters) != 1) std::abort();
}

HmacSha256::~HmacSha256() = default;

std::string HmacSha256::Compute(absl::string_view key, absl::string_view bytes) {
  EVP_MAC_CTX* const context = context_->context.get();
  std::string out(kBytes, '\0');
  std::size_t written = 0;
  if (EVP_MAC_init(context, reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                   nullptr) != 1 ||
      EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) !=
          1 ||
      EVP_MAC_final(context, reinterpret_cast<unsigned char*>(out.data()), &written, out.size()) !=
          1) {
    std::abort();
  }
  return out;
}

Secret HmacSha256::DeriveKey(absl::string_view key_material, absl::string_view info) {
  // §2.2: no salt is as many zeros as the hash has bytes. §2.3: the first block has number 1.
  const Secret extracted(Compute(std::string(kBytes, '\0'), key_material));
  return Secret(Compute(extracted.Reveal(), absl::StrCat(info, absl::string_view("\x01", 1))));
}

}  // namespace tokensvc
