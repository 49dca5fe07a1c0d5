// SPDX-License-Identifier: Apache-2.0
#include "service/access/certificate_callers.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "service/access/certificate_identity.h"
#include "service/jose/pem_certificates.h"

namespace tokensvc {
namespace {

// Of a certificate. Handshakes let larger ones pass, and nobody needs them.
constexpr std::size_t kMaxLeafBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxChainBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxChainCertificates = 10;
// All public authorities are about 150.
constexpr std::size_t kMaxTrustedCertificates = 1024;
// That of the handshake: RSA of 2,048 bits and SHA-256 at least.
constexpr int kSecurityLevel = 2;
// What the list, the table and the allocator add to an entry.
constexpr std::size_t kOverhead = 256;

std::optional<absl::Time> FromAsn1(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return absl::FromTM(parts, absl::UTCTimeZone());
}

struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;

/// `certificates`, without owning them.
Stack StackOf(const std::vector<SslPtr<X509>>& certificates) {
  Stack stack(sk_X509_new_null());
  for (const SslPtr<X509>& each : certificates) {
    if (stack == nullptr || sk_X509_push(stack.get(), each.get()) == 0) return nullptr;
  }
  return stack;
}

CertificateRefusal RefusalOf(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return CertificateRefusal::kExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return CertificateRefusal::kNotYetValid;
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    case X509_V_ERR_INVALID_EXTENSION:
      return CertificateRefusal::kMalformed;
    default:
      return CertificateRefusal::kUntrusted;
  }
}

struct Validity {
  absl::Time not_before = absl::InfinitePast();
  absl::Time not_after = absl::InfiniteFuture();
};

std::optional<Validity> ValidityOf(const X509* certificate) {
  const std::optional<absl::Time> not_before = FromAsn1(X509_get0_notBefore(certificate));
  const std::optional<absl::Time> not_after = FromAsn1(X509_get0_notAfter(certificate));
  if (!not_before || !not_after) return std::nullopt;
  return Validity{*not_before, *not_after};
}

/// What the certificate itself says, whoever signed it: without the price of a signature, so that
/// calls that are refused on and on are cheap.
Expected<std::string, CertificateRefusal> ReadValidIdentity(const X509& leaf, absl::Time now) {
  const std::optional<Validity> validity = ValidityOf(&leaf);
  if (!validity) return CertificateRefusal::kMalformed;
  if (now < validity->not_before) return CertificateRefusal::kNotYetValid;
  if (now >= validity->not_after) return CertificateRefusal::kExpired;
  return ReadCertificateIdentity(leaf);
}

/// When every certificate of the way up to the trusted one is valid.
Expected<Validity, CertificateRefusal> VerifyChain(X509_STORE* trusted, X509* leaf,
                                                   STACK_OF(X509) * shown, absl::Time now) {
  const SslPtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (context == nullptr || X509_STORE_CTX_init(context.get(), trusted, leaf, shown) != 1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_client") != 1) {
    return CertificateRefusal::kUntrusted;
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(now));
  X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
  if (X509_verify_cert(context.get()) != 1) {
    return RefusalOf(X509_STORE_CTX_get_error(context.get()));
  }
  Validity validity;
  STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const std::optional<Validity> each = ValidityOf(sk_X509_value(chain, i));
    if (!each) return CertificateRefusal::kMalformed;
    validity.not_before = std::max(validity.not_before, each->not_before);
    validity.not_after = std::min(validity.not_after, each->not_after);
  }
  return validity;
}

}  // namespace

CertificateCallers::CertificateCallers(const Clock& clock, Limits limits)
    : clock_(clock),
      per_shard_{std::max<std::size_t>(1, limits.max_entries / kShards),
                 limits.max_bytes / kShards} {}

absl::Status CertificateCallers::Trust(const std::string& ca_bundle_pem) {
  const absl::StatusOr<std::vector<SslPtr<X509>>> bundle =
      ReadPemCertificates(ca_bundle_pem, kMaxTrustedCertificates);
  if (!bundle.ok()) return bundle.status();
  const SslErrorScope errors;
  auto trusted = std::make_shared<Trusted>();
  trusted->store.reset(X509_STORE_new());
  // As gRPC has it in handshakes, so that both always agree: an intermediate that is trusted itself
  // needs no root.
  bool made = trusted->store != nullptr &&
              X509_STORE_set_flags(trusted->store.get(),
                                   X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST) == 1;
  for (const SslPtr<X509>& each : *bundle) {
    made = made && X509_STORE_add_cert(trusted->store.get(), each.get()) == 1;
  }
  if (!made) return absl::InvalidArgumentError("certificates: one of them cannot be used");
  {
    MutexLock lock(&mutex_);
    trusted->generation = generation_.load(std::memory_order_relaxed) + 1;
    generation_.store(trusted->generation, std::memory_order_release);
    trusted_ = std::move(trusted);
  }
  // Entries of older generations count for nothing from here on: what follows gives back memory.
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    shard.by_hash.clear();
    shard.entries.clear();
    shard.bytes = 0;
  }
  return absl::OkStatus();
}

Expected<std::shared_ptr<const Caller>, CertificateRefusal> CertificateCallers::Identify(
    absl::string_view leaf_pem, absl::string_view chain_pem) const {
  if (leaf_pem.size() > kMaxLeafBytes || chain_pem.size() > kMaxChainBytes) {
    return CertificateRefusal::kMalformed;
  }
  const absl::Time now = clock_.Now();
  const std::size_t hash = absl::Hash<absl::string_view>()(leaf_pem);
  if (std::shared_ptr<const Caller> known = Recall(hash, leaf_pem, now)) return known;

  const SslErrorScope errors;
  const absl::StatusOr<std::vector<SslPtr<X509>>> leaf = ReadPemCertificates(leaf_pem, 1);
  if (!leaf.ok()) return CertificateRefusal::kMalformed;
  Expected<std::string, CertificateRefusal> id = ReadValidIdentity(*leaf->front(), now);
  if (!id) return id.error();
  std::vector<SslPtr<X509>> shown;
  if (!chain_pem.empty()) {
    absl::StatusOr<std::vector<SslPtr<X509>>> chain =
        ReadPemCertificates(chain_pem, kMaxChainCertificates);
    if (!chain.ok()) return CertificateRefusal::kMalformed;
    shown = *std::move(chain);
  }
  const Stack stack = StackOf(shown);
  std::shared_ptr<const Trusted> trusted;
  {
    MutexLock lock(&mutex_);
    trusted = trusted_;
  }
  if (trusted == nullptr || stack == nullptr) return CertificateRefusal::kUntrusted;
  const Expected<Validity, CertificateRefusal> validity =
      VerifyChain(trusted->store.get(), leaf->front().get(), stack.get(), now);
  if (!validity) return validity.error();

  auto caller = std::make_shared<const Caller>(Caller{*std::move(id)});
  Remember(hash, leaf_pem, {caller, validity->not_before, validity->not_after},
           trusted->generation);
  return std::shared_ptr<const Caller>(std::move(caller));
}

std::shared_ptr<const Caller> CertificateCallers::Recall(std::size_t hash,
                                                         absl::string_view leaf_pem,
                                                         absl::Time now) const {
  const std::uint64_t generation = generation_.load(std::memory_order_acquire);
  Shard& shard = ShardOf(hash);
  MutexLock lock(&shard.mutex);
  const auto found = shard.by_hash.find(hash);
  if (found == shard.by_hash.end()) return nullptr;
  const Entries::iterator entry = found->second;
  // Whatever does not hold any more is judged anew, which also tells why.
  if (entry->generation != generation || now < entry->verified.not_before ||
      now >= entry->verified.not_after || entry->leaf_pem != leaf_pem) {
    return nullptr;
  }
  shard.entries.splice(shard.entries.begin(), shard.entries, entry);
  return entry->verified.caller;
}

void CertificateCallers::Remember(std::size_t hash, absl::string_view leaf_pem, Verified verified,
                                  std::uint64_t generation) const {
  const std::size_t bytes =
      sizeof(Entry) + kOverhead + leaf_pem.size() + sizeof(Caller) + verified.caller->id.size();
  if (bytes > per_shard_.max_bytes) return;
  Shard& shard = ShardOf(hash);
  MutexLock lock(&shard.mutex);
  if (const auto found = shard.by_hash.find(hash); found != shard.by_hash.end()) {
    Erase(shard, found->second);
  }
  shard.entries.push_front(
      Entry{hash, std::string(leaf_pem), std::move(verified), generation, bytes});
  shard.by_hash.emplace(hash, shard.entries.begin());
  shard.bytes += bytes;
  while (shard.entries.size() > per_shard_.max_entries || shard.bytes > per_shard_.max_bytes) {
    Erase(shard, std::prev(shard.entries.end()));
  }
}

void CertificateCallers::Erase(Shard& shard, Entries::iterator entry) {
  shard.bytes -= entry->bytes;
  shard.by_hash.erase(entry->hash);
  shard.entries.erase(entry);
}

std::size_t CertificateCallers::remembered() const {
  std::size_t count = 0;
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    count += shard.entries.size();
  }
  return count;
}

std::size_t CertificateCallers::remembered_bytes() const {
  std::size_t bytes = 0;
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    bytes += shard.bytes;
  }
  return bytes;
}

}  // namespace tokensvc
