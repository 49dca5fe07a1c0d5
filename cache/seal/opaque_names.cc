// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/opaque_names.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cache/seal/length_prefix.h"

namespace tokensvc {
namespace {

// Begins unlike any input of a record's key, whose first bytes are a length.
constexpr char kCheckLabel[] = "tokensvc key check v1:";

}  // namespace

/// OpenSSL 3 looks an algorithm up by name each time unless it was fetched.
struct OpaqueNames::Mac {
  struct Deleter {
    void operator()(EVP_MAC* p) const { EVP_MAC_free(p); }
    void operator()(EVP_MAC_CTX* p) const { EVP_MAC_CTX_free(p); }
  };

  Mac() {
    if (context == nullptr) std::abort();
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    if (EVP_MAC_CTX_set_params(context.get(), parameters) != 1) std::abort();
  }

  std::string Compute(const RingKey& key, absl::string_view bytes) {
    const absl::string_view secret = key.bytes.Reveal();
    std::string out(KeyRing::kKeyBytes, '\0');
    std::size_t written = 0;
    // Fails only without memory.
    if (EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(secret.data()),
                     secret.size(), nullptr) != 1 ||
        EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                       bytes.size()) != 1 ||
        EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(out.data()), &written,
                      out.size()) != 1) {
      std::abort();
    }
    return out;
  }

  std::unique_ptr<EVP_MAC, Deleter> hmac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  std::unique_ptr<EVP_MAC_CTX, Deleter> context{EVP_MAC_CTX_new(hmac.get())};
};

OpaqueNames::OpaqueNames(std::string key_prefix, std::string keyspace)
    : key_prefix_(std::move(key_prefix)),
      keyspace_(std::move(keyspace)),
      mac_(std::make_unique<Mac>()) {}

OpaqueNames::~OpaqueNames() = default;

std::string OpaqueNames::RecordKey(const RingKey& index_key, absl::string_view canonical_key) {
  std::string input;
  input.reserve(16 + keyspace_.size() + canonical_key.size());
  AppendLengthPrefixed(keyspace_, &input);
  AppendLengthPrefixed(canonical_key, &input);
  return absl::StrCat(key_prefix_,
                      "v:", absl::WebSafeBase64Escape(mac_->Compute(index_key, input)));
}

std::string OpaqueNames::CheckProof(const RingKey& index_key, absl::string_view context) {
  std::string input = kCheckLabel;
  AppendLengthPrefixed(keyspace_, &input);
  AppendLengthPrefixed(context, &input);
  return mac_->Compute(index_key, input);
}

}  // namespace tokensvc
