// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/sealer.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cache/seal/length_prefix.h"

namespace tokensvc {
namespace {

// Separates these keys from whatever else may be derived from a sealing key one day.
constexpr char kKeyLabel[] = "tokensvc record sealing v1:";

std::string AssociatedData(absl::string_view header, const SealedPlace& place) {
  std::string out;
  out.reserve(header.size() + 24 + place.keyspace.size() + place.key.size() +
              place.partition.size());
  out.append(header.data(), header.size());
  for (const absl::string_view part : {place.keyspace, place.key, place.partition}) {
    AppendLengthPrefixed(part, &out);
  }
  return out;
}

const unsigned char* In(absl::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* Out(std::string* bytes, std::size_t at) {
  return reinterpret_cast<unsigned char*>(bytes->data()) + at;
}
int Size(absl::string_view bytes) { return static_cast<int>(bytes.size()); }

/// What cannot fail but for want of memory, or because this program is wrong.
void Must(int result) {
  if (result != 1) std::abort();
}

}  // namespace

std::string SealedHeader::Write() const {
  std::string out;
  out.reserve(kBytes);
  AppendBigEndian(format, 1, &out);
  AppendBigEndian(static_cast<std::uint8_t>(kind), 1, &out);
  AppendBigEndian(key_id, 4, &out);
  AppendBigEndian(generation, 8, &out);
  for (const std::uint64_t epoch : purge_epochs) AppendBigEndian(epoch, 8, &out);
  return out;
}

SealedHeader SealedHeader::Read(absl::string_view blob) {
  SealedHeader header;
  header.format = static_cast<std::uint8_t>(ReadBigEndian(blob.substr(0, 1)));
  header.kind = static_cast<SealedKind>(ReadBigEndian(blob.substr(1, 1)));
  header.key_id = static_cast<std::uint32_t>(ReadBigEndian(blob.substr(2, 4)));
  header.generation = ReadBigEndian(blob.substr(6, 8));
  for (std::size_t i = 0; i < header.purge_epochs.size(); ++i) {
    header.purge_epochs[i] = ReadBigEndian(blob.substr(14 + 8 * i, 8));
  }
  return header;
}

/// OpenSSL 3 looks an algorithm up by name each time unless it was fetched; contexts are reused for
/// the same reason.
struct Sealer::Ciphers {
  struct Deleter {
    void operator()(EVP_CIPHER* p) const { EVP_CIPHER_free(p); }
    void operator()(EVP_CIPHER_CTX* p) const { EVP_CIPHER_CTX_free(p); }
  };
  template <class T>
  using Ptr = std::unique_ptr<T, Deleter>;

  Ciphers() {
    if (aes == nullptr || context == nullptr) std::abort();
  }

  // Bodies of one direction's initialisation; the nonce has GCM's usual 96 bits.
  void Begin(bool encrypt, const Secret& key, absl::string_view nonce,
             absl::string_view associated_data) {
    Must(EVP_CipherInit_ex2(context.get(), aes.get(), In(key.Reveal()), In(nonce), encrypt ? 1 : 0,
                            nullptr));
    int written = 0;
    Must(EVP_CipherUpdate(context.get(), nullptr, &written, In(associated_data),
                          Size(associated_data)));
  }

  Ptr<EVP_CIPHER> aes{EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)};
  Ptr<EVP_CIPHER_CTX> context{EVP_CIPHER_CTX_new()};
};

Sealer::Sealer(RandomGenerator& random, SealedFormats formats)
    : random_(random), formats_(formats), ciphers_(std::make_unique<Ciphers>()) {
  if (!Reads(formats_.written)) std::abort();  // The configuration was checked.
}

Sealer::~Sealer() = default;

bool Sealer::Reads(std::uint8_t format) const {
  return std::any_of(formats_.readable.begin(), formats_.readable.end(),
                     [format](const SealedFormat& known) { return known.number == format; });
}

const Secret& Sealer::DerivedKey(const RingKey& key, absl::string_view partition) {
  // The whole id, in its own fixed length, then the partition. Ids are checked against their keys,
  // and two keys of one id would have to be made on purpose, by whoever has them.
  std::string name;
  AppendBigEndian(key.id, 4, &name);
  absl::StrAppend(&name, partition);
  if (const auto found = derived_.find(name); found != derived_.end()) return found->second;

  Secret derived = hmac_.DeriveKey(key.bytes.Reveal(), absl::StrCat(kKeyLabel, partition));
  if (derived_.size() >= kMaxDerivedKeys) derived_.clear();
  return derived_.emplace(std::move(name), std::move(derived)).first->second;
}

std::string Sealer::Seal(const KeyRing& ring, SealedHeader header, const SealedPlace& place,
                         absl::string_view content) {
  header.format = formats_.written;
  header.key_id = ring.primary().id;
  std::string blob = header.Write();
  const std::string associated_data = AssociatedData(blob, place);
  blob.resize(kOverheadBytes + content.size());
  random_.Fill(Out(&blob, SealedHeader::kBytes), kNonceBytes);
  const absl::string_view nonce = absl::string_view(blob).substr(SealedHeader::kBytes, kNonceBytes);

  ciphers_->Begin(true, DerivedKey(ring.primary(), place.partition), nonce, associated_data);
  EVP_CIPHER_CTX* const context = ciphers_->context.get();
  const std::size_t start = SealedHeader::kBytes + kNonceBytes;
  int written = 0;
  Must(EVP_CipherUpdate(context, Out(&blob, start), &written, In(content), Size(content)));
  Must(EVP_CipherFinal_ex(context, Out(&blob, start + content.size()), &written));
  Must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                           Out(&blob, start + content.size())));
  return blob;
}

Expected<Sealer::Opened, OpenFailure> Sealer::Open(const KeyRing& ring, SealedKind kind,
                                                   const SealedPlace& place,
                                                   absl::string_view blob) {
  if (blob.empty() || blob.size() > kMaxBlobBytes) return OpenFailure::kMalformed;
  if (!Reads(static_cast<std::uint8_t>(blob.front()))) return OpenFailure::kUnknownFormat;
  if (blob.size() < kOverheadBytes) return OpenFailure::kMalformed;
  const SealedHeader header = SealedHeader::Read(blob);
  if (header.kind != kind) return OpenFailure::kMalformed;
  const RingKey* key = ring.Find(header.key_id);
  if (key == nullptr) return OpenFailure::kUnknownKey;

  const std::string associated_data = AssociatedData(blob.substr(0, SealedHeader::kBytes), place);
  const absl::string_view nonce = blob.substr(SealedHeader::kBytes, kNonceBytes);
  absl::string_view sealed = blob.substr(SealedHeader::kBytes + kNonceBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  sealed.remove_suffix(kTagBytes);

  ciphers_->Begin(false, DerivedKey(*key, place.partition), nonce, associated_data);
  EVP_CIPHER_CTX* const context = ciphers_->context.get();
  std::string content(sealed.size(), '\0');
  int written = 0;
  Must(EVP_CipherUpdate(context, Out(&content, 0), &written, In(sealed), Size(sealed)));
  Must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()));
  Secret secret(std::move(content));
  unsigned char none[1];
  if (EVP_CipherFinal_ex(context, none, &written) != 1) return OpenFailure::kForged;
  return Opened{header, std::move(secret)};
}

}  // namespace tokensvc
