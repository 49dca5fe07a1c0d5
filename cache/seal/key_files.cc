// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/key_files.h"

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

absl::StatusOr<KeyRing> ReadRing(const std::string& path, KeyPurpose purpose) {
  absl::StatusOr<KeyRing> ring = KeyRing::ReadFile(path);
  const absl::string_view name = KeyPurposeName(purpose);
  if (!ring.ok()) {
    return absl::Status(ring.status().code(),
                        absl::StrCat("file of ", name, " keys: ", ring.status().message()));
  }
  if (ring->purpose() != purpose) {
    return absl::InvalidArgumentError(
        absl::StrCat("file of ", name, " keys: holds ", KeyPurposeName(ring->purpose()), " keys"));
  }
  return ring;
}

}  // namespace

KeyFiles::KeyFiles(Options options)
    : options_(std::move(options)),
      reloads_(options_.metrics->AddCounter("tokensvc_key_file_reloads_total",
                                            "Changes of the key files that were taken over.")),
      failures_(options_.metrics->AddCounter(
          "tokensvc_key_file_reload_failures_total",
          "Changes of the key files that were refused; the keys before them stay in force.")),
      next_check_(options_.clock->Boot() + ToNanos(kCheckInterval)) {}

absl::StatusOr<std::unique_ptr<KeyFiles>> KeyFiles::Load(Options options) {
  std::unique_ptr<KeyFiles> files(new KeyFiles(std::move(options)));
  files->accepted_ = files->Identify();
  absl::StatusOr<std::shared_ptr<const KeyRings>> rings = files->Read();
  if (!rings.ok()) return rings.status();
  {
    MutexLock lock(&files->mutex_);
    files->rings_ = *std::move(rings);
  }
  return files;
}

std::shared_ptr<const KeyRings> KeyFiles::Current() const {
  MutexLock lock(&mutex_);
  return rings_;
}

KeyFiles::Identities KeyFiles::Identify() const {
  return {IdentifyFile(options_.sealing_path), IdentifyFile(options_.index_path)};
}

absl::StatusOr<std::shared_ptr<const KeyRings>> KeyFiles::Read() const {
  absl::StatusOr<KeyRing> sealing = ReadRing(options_.sealing_path, KeyPurpose::kSealing);
  if (!sealing.ok()) return sealing.status();
  absl::StatusOr<KeyRing> index = ReadRing(options_.index_path, KeyPurpose::kIndex);
  if (!index.ok()) return index.status();
  KeyRings rings{*std::move(sealing), *std::move(index)};
  const std::shared_ptr<const KeyRings> before = Current();
  for (const KeyRing* ring : {&rings.sealing, &rings.index}) {
    for (const RingKey& key : ring->keys()) {
      rings.since[{ring->purpose(), key.id}] = SinceWhen(*ring, key, before.get());
    }
  }
  return std::make_shared<const KeyRings>(std::move(rings));
}

absl::Time KeyFiles::SinceWhen(const KeyRing& ring, const RingKey& key,
                               const KeyRings* before) const {
  const absl::Time now = options_.clock->Now();
  if (before == nullptr) return now;
  const KeyRing& old_ring =
      ring.purpose() == KeyPurpose::kSealing ? before->sealing : before->index;
  const RingKey* const old_key = old_ring.Find(key.id);
  if (old_key == nullptr || old_key->state != key.state) return now;
  const auto known = before->since.find({ring.purpose(), key.id});
  return known == before->since.end() ? now : known->second;
}

bool KeyFiles::CheckIsDue() const {
  return !checking_.load(std::memory_order_relaxed) &&
         options_.clock->Boot() >= next_check_.load(std::memory_order_relaxed);
}

void KeyFiles::Check() {
  if (!CheckIsDue() || checking_.exchange(true, std::memory_order_acquire)) return;
  // Once more: another thread may have done it between the two conditions above.
  const BootTime now = options_.clock->Boot();
  if (now >= next_check_.load(std::memory_order_relaxed)) {
    TakeOverChange();
    next_check_.store(now + ToNanos(kCheckInterval), std::memory_order_relaxed);
  }
  checking_.store(false, std::memory_order_release);
}

void KeyFiles::TakeOverChange() {
  // Taken before reading: a file that changes while it is read is looked at again.
  const Identities present = Identify();
  if (present == accepted_) {
    refused_.reset();
    return;
  }
  absl::StatusOr<std::shared_ptr<const KeyRings>> rings = Read();
  if (!rings.ok()) {
    if (refused_ == present) return;
    refused_ = present;
    failures_.Increment();
    options_.logger->Warning("key_file_reload_failed",
                             {{"reason", std::string(rings.status().message())}});
    return;
  }
  refused_.reset();
  accepted_ = present;
  reloads_.Increment();
  options_.logger->Info("key_files_reloaded",
                        {{"sealing_key", KeyIdText((*rings)->sealing.primary().id)},
                         {"index_key", KeyIdText((*rings)->index.primary().id)}});
  MutexLock lock(&mutex_);
  rings_ = *std::move(rings);
}

}  // namespace tokensvc
