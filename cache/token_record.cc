// SPDX-License-Identifier: Apache-2.0
#include "cache/token_record.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <new>

#include "cache/malloc_bytes.h"

namespace tokensvc {

/// Gives room for the texts behind the one object that `allocate_shared` makes with it.
template <class T>
struct TokenRecord::Allocator {
  using value_type = T;

  explicit Allocator(std::size_t text) : text_bytes(text) {}
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): the library rebinds it to its own block's type.
  Allocator(const Allocator<U>& other) : text_bytes(other.text_bytes) {}

  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T) + text_bytes));
  }
  void deallocate(T* block, std::size_t) { ::operator delete(block); }

  template <class U>
  bool operator==(const Allocator<U>&) const {
    return true;
  }

  std::size_t text_bytes;
};

std::shared_ptr<const TokenRecord> TokenRecord::Make(const Fields& fields) {
  const std::size_t text = fields.token.size() + fields.granted_scopes.size();
  return std::allocate_shared<const TokenRecord>(Allocator<TokenRecord>(text), Key(), fields);
}

TokenRecord::TokenRecord(Key, const Fields& fields)
    : expires_at_(absl::ToUnixNanos(fields.expires_at)),
      refresh_at_(absl::ToUnixNanos(fields.refresh_at)),
      usable_until_(fields.usable_until),
      due_(fields.due),
      generation_(fields.generation),
      fresh_at_(fields.fresh_at),
      purge_tags_(fields.purge_tags),
      token_bytes_(static_cast<std::uint32_t>(fields.token.size())),
      scopes_bytes_(static_cast<std::uint32_t>(fields.granted_scopes.size())) {
  char* const out = reinterpret_cast<char*>(this + 1);
  std::copy_n(fields.granted_scopes.data(), scopes_bytes_,
              std::copy_n(fields.token.data(), token_bytes_, out));
}

TokenRecord::~TokenRecord() { OPENSSL_cleanse(reinterpret_cast<char*>(this + 1), token_bytes_); }

bool TokenRecord::HasToken(const Secret& token) const {
  return token.size() == token_bytes_ &&
         CRYPTO_memcmp(token.Reveal().data(), text(), token_bytes_) == 0;
}

std::uint64_t TokenRecord::FingerprintBy(const TokenFingerprinter& fingerprinter) const {
  std::uint64_t fingerprint = fingerprint_.load(std::memory_order_relaxed);
  if (fingerprint == 0) {
    // Two threads may both come here, to the same result.
    fingerprint = fingerprinter.Fingerprint(RevealToken());
    fingerprint_.store(fingerprint, std::memory_order_relaxed);
  }
  return fingerprint;
}

std::size_t TokenRecord::MemoryBytes() const {
  // In front of the record: the reference counts with their table, and the allocator's size.
  constexpr std::size_t kSharedPointerBlock = 24;
  return MallocBytes(kSharedPointerBlock + sizeof(TokenRecord) + token_bytes_ + scopes_bytes_);
}

}  // namespace tokensvc
