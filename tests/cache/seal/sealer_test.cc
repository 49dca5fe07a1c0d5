// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/sealer.h"

#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace tokensvc {
namespace {

constexpr char kContent[] = "the content";
constexpr SealedPlace kPlace = {"fleet", "tokensvc:v:name", "contoso"};

/// The nonce of the known answer: a0, a1, a2 …
class CountingRandom final : public RandomGenerator {
 public:
  void Fill(unsigned char* out, std::size_t size) override {
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(0xa0 + i);
  }
};

SealedHeader SampleHeader() {
  SealedHeader header;
  header.generation = 0x0001020304050607;
  header.purge_epochs = {1, 2, 3, 4};
  return header;
}

class SealerTest : public ::testing::Test {
 protected:
  std::string Seal(const KeyRing& ring) {
    return sealer_.Seal(ring, SampleHeader(), kPlace, kContent);
  }
  // The failure; none: it was opened.
  std::optional<OpenFailure> Failure(const KeyRing& ring, absl::string_view blob,
                                     const SealedPlace& place = kPlace) {
    const auto opened = sealer_.Open(ring, SealedKind::kAppAccessToken, place, blob);
    if (opened.ok()) return std::nullopt;
    return opened.error();
  }

  testing::FakeRandom random_;
  Sealer sealer_{random_};
  KeyRing ring_ = KeyRing::MakeRandom(KeyPurpose::kSealing, random_);
};

// Computed with Python's `cryptography` (HKDF and AESGCM) from the documented layout.
TEST_F(SealerTest, SealsAsAnotherImplementationDoes) {
  const auto ring =
      KeyRing::Parse("primary f46b8405 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n");
  ASSERT_TRUE(ring.ok());
  CountingRandom counting;
  Sealer sealer(counting);
  const std::string blob = sealer.Seal(*ring, SampleHeader(), kPlace, kContent);
  EXPECT_EQ(absl::BytesToHexString(blob),
            "0101f46b8405"
            "0001020304050607"
            "0000000000000001000000000000000200000000000000030000000000000004"
            "a0a1a2a3a4a5a6a7a8a9aaab"
            "f1adaf430b21621ad82bc3e5cfd2a6115a86c8e677df540f08c524");
}

TEST_F(SealerTest, GivesBackContentAndHeader) {
  for (const std::string& content : {std::string(), std::string("x"), std::string(100000, 'y')}) {
    const std::string blob = sealer_.Seal(ring_, SampleHeader(), kPlace, content);
    EXPECT_EQ(blob.size(), content.size() + Sealer::kOverheadBytes);
    const auto opened = sealer_.Open(ring_, SealedKind::kAppAccessToken, kPlace, blob);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->content.Reveal(), content);
    EXPECT_EQ(opened->header.generation, SampleHeader().generation);
    EXPECT_EQ(opened->header.purge_epochs, SampleHeader().purge_epochs);
    EXPECT_EQ(opened->header.key_id, ring_.primary().id);
  }
}

TEST_F(SealerTest, RefusesEveryBitFlip) {
  const std::string blob = Seal(ring_);
  for (std::size_t bit = 0; bit < blob.size() * 8; ++bit) {
    std::string altered = blob;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << bit % 8));
    const auto failure = Failure(ring_, altered);
    ASSERT_TRUE(failure.has_value()) << "bit " << bit;
    const std::size_t byte = bit / 8;
    EXPECT_EQ(*failure, byte == 0   ? OpenFailure::kUnknownFormat
                        : byte == 1 ? OpenFailure::kMalformed
                        : byte < 6  ? OpenFailure::kUnknownKey
                                    : OpenFailure::kForged)
        << "bit " << bit;
  }
}

TEST_F(SealerTest, RefusesEveryTruncationAndExtension) {
  const std::string blob = Seal(ring_);
  for (std::size_t size = 0; size < blob.size(); ++size) {
    EXPECT_EQ(Failure(ring_, absl::string_view(blob).substr(0, size)),
              size < Sealer::kOverheadBytes ? OpenFailure::kMalformed : OpenFailure::kForged)
        << size;
  }
  EXPECT_EQ(Failure(ring_, blob + '\0'), OpenFailure::kForged);
  EXPECT_EQ(Failure(ring_, blob + std::string(Sealer::kMaxBlobBytes, 'x')),
            OpenFailure::kMalformed);
}

TEST_F(SealerTest, RefusesAnotherKeyspaceKeyOrPartition) {
  const std::string blob = Seal(ring_);
  EXPECT_EQ(Failure(ring_, blob), std::nullopt);
  for (const SealedPlace& place : {SealedPlace{"fleeT", kPlace.key, kPlace.partition},
                                   SealedPlace{kPlace.keyspace, "tokensvc:v:mane", "contoso"},
                                   SealedPlace{kPlace.keyspace, kPlace.key, "fabrikam"},
                                   // The same bytes, cut at other places.
                                   SealedPlace{"fleett", "okensvc:v:name", "contoso"},
                                   SealedPlace{"fleet", "tokensvc:v:namec", "ontoso"}}) {
    EXPECT_EQ(Failure(ring_, blob, place), OpenFailure::kForged);
  }
}

TEST_F(SealerTest, RefusesAnotherKind) {
  SealedHeader header = SampleHeader();
  header.kind = SealedKind::kKeyCheck;
  const std::string blob = sealer_.Seal(ring_, header, kPlace, kContent);
  EXPECT_EQ(Failure(ring_, blob), OpenFailure::kMalformed);
}

TEST_F(SealerTest, TellsANewerFormatFromWhatIsForged) {
  std::string blob = Seal(ring_);
  blob[0] = static_cast<char>(std::rbegin(kSealedFormats)->number + 1);
  EXPECT_EQ(Failure(ring_, blob), OpenFailure::kUnknownFormat);
  blob[0] = 0;
  EXPECT_EQ(Failure(ring_, blob), OpenFailure::kUnknownFormat);
}

TEST_F(SealerTest, DoesNotOpenUnderAKeyThatIsNotInTheRing) {
  const KeyRing other = KeyRing::MakeRandom(KeyPurpose::kSealing, random_);
  EXPECT_EQ(Failure(other, Seal(ring_)), OpenFailure::kUnknownKey);
}

TEST_F(SealerTest, AFailureLeavesNothingBehindThatBreaksTheNextCall) {
  const std::string blob = Seal(ring_);
  std::string altered = blob;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Failure(ring_, altered), OpenFailure::kForged);
    EXPECT_EQ(Failure(ring_, blob), std::nullopt);
  }
}

TEST_F(SealerTest, NeverUsesANonceTwice) {
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i) {
    nonces.insert(Seal(ring_).substr(SealedHeader::kBytes, Sealer::kNonceBytes));
  }
  EXPECT_EQ(nonces.size(), 1000u);
}

TEST_F(SealerTest, PartitionsBeyondTheBoundOfDerivedKeysStillOpen) {
  std::vector<std::pair<std::string, std::string>> blobs;
  for (std::size_t i = 0; i < Sealer::kMaxDerivedKeys + 100; ++i) {
    std::string partition = absl::StrCat("tenant ", i);
    std::string blob =
        sealer_.Seal(ring_, SampleHeader(), {kPlace.keyspace, kPlace.key, partition}, kContent);
    blobs.emplace_back(std::move(partition), std::move(blob));
  }
  for (const auto& [partition, blob] : blobs) {
    EXPECT_EQ(Failure(ring_, blob, {kPlace.keyspace, kPlace.key, partition}), std::nullopt);
  }
}

TEST(SealedHeaderTest, HasTheGenerationWhereTheStoresScriptsReadIt) {
  const std::string bytes = SampleHeader().Write();
  ASSERT_EQ(bytes.size(), SealedHeader::kBytes);
  EXPECT_EQ(absl::BytesToHexString(absl::string_view(bytes).substr(6, 8)), "0001020304050607");
}

}  // namespace
}  // namespace tokensvc
