// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/record_codec.h"

#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/cache/seal/sample_tokens.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tokensvc/cache/v1/token_record.pb.h"

namespace tokensvc {
namespace {

class RecordCodecTest : public ::testing::Test {
 protected:
  static FleetInstant At(const Clock& clock, absl::Duration offset) {
    return {clock.Boot(), clock.Now() + offset, clock.Now()};
  }
  FleetInstant Now() const { return At(clock_, absl::ZeroDuration()); }

  std::shared_ptr<const TokenRecord> Record(absl::string_view token,
                                            absl::string_view scopes = "a/.default") const {
    TokenRecord::Fields fields;
    fields.token = token;
    fields.granted_scopes = scopes;
    fields.expires_at = clock_.Now() + absl::Hours(1);
    fields.refresh_at = clock_.Now() + absl::Minutes(45);
    fields.usable_until = clock_.Boot() + std::chrono::minutes(59);
    fields.due = clock_.Boot() + std::chrono::minutes(45);
    fields.generation = 42;
    return TokenRecord::Make(fields);
  }

  std::string Pack(const TokenRecord& record) {
    const auto packed = codec_.Pack(record, Now());
    return packed.has_value() ? std::string(packed->Reveal()) : "refused";
  }

  void ExpectRoundTrip(absl::string_view token, absl::string_view scopes) {
    const auto record = Record(token, scopes);
    const auto packed = codec_.Pack(*record, Now());
    ASSERT_TRUE(packed.has_value());
    const auto back = codec_.Unpack(packed->Reveal(), 42, Now());
    ASSERT_NE(back, nullptr);
    EXPECT_EQ(back->RevealToken(), token);
    EXPECT_EQ(back->granted_scopes(), scopes);
  }

  // A message that unpacks as it is; tests break it.
  cache::v1::TokenRecord Message() const {
    cache::v1::TokenRecord message;
    message.set_expires_at_ms(absl::ToUnixMillis(clock_.Now() + absl::Hours(1)));
    message.set_refresh_at_ms(message.expires_at_ms() - 2000);
    message.set_usable_until_ms(message.expires_at_ms() - 1000);
    message.set_texts("token");
    message.set_first_bytes(5);
    return message;
  }
  std::shared_ptr<const TokenRecord> Unpack(const cache::v1::TokenRecord& message) {
    return codec_.Unpack(message.SerializeAsString(), 1, Now());
  }

  testing::FakeClock clock_;
  testing::FakeRandom random_;
  RecordCodec codec_;
};

TEST_F(RecordCodecTest, GivesBackEveryFieldOnTheSameMachine) {
  const auto record = Record("opaque token", "a b c");
  const auto back = codec_.Unpack(Pack(*record), 42, Now());
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->RevealToken(), "opaque token");
  EXPECT_EQ(back->granted_scopes(), "a b c");
  EXPECT_EQ(back->expires_at(), record->expires_at());
  EXPECT_EQ(back->refresh_at(), record->refresh_at());
  EXPECT_EQ(back->usable_until(), record->usable_until());
  EXPECT_EQ(back->due(), record->due());
  EXPECT_EQ(back->generation(), 42u);
}

TEST_F(RecordCodecTest, ReadsTimesOnTheReadersOwnClocks) {
  const auto record = Record("token");
  const std::string packed = Pack(*record);
  // Another machine: it booted at another time, and a minute has passed.
  testing::FakeClock other;
  other.Advance(absl::Minutes(61));
  other.JumpWall(-absl::Minutes(60));
  const auto back = codec_.Unpack(packed, 42, At(other, absl::ZeroDuration()));
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->usable_until() - other.Boot(), std::chrono::minutes(58));
  EXPECT_EQ(back->due() - other.Boot(), std::chrono::minutes(44));
  EXPECT_EQ(back->expires_at() - other.Now(), absl::Minutes(59));
  EXPECT_EQ(back->refresh_at() - other.Now(), absl::Minutes(44));
}

TEST_F(RecordCodecTest, NeitherClockAloneMakesATokenLookYounger) {
  const auto record = Record("token");
  // The fleet's clock when it is written and when it is read, beside a wall clock that is right.
  for (const int written : {-10, 0, 10}) {
    for (const int read : {-10, 0, 10}) {
      const auto packed = codec_.Pack(*record, At(clock_, absl::Seconds(written)));
      ASSERT_TRUE(packed.has_value());
      const auto back = codec_.Unpack(packed->Reveal(), 42, At(clock_, absl::Seconds(read)));
      ASSERT_NE(back, nullptr);
      EXPECT_LE(back->usable_until(), record->usable_until()) << written << " " << read;
      EXPECT_LE(back->due(), record->due()) << written << " " << read;
      EXPECT_LE(back->expires_at(), record->expires_at()) << written << " " << read;
      EXPECT_GE(back->usable_until(), record->usable_until() - std::chrono::seconds(20));
    }
  }
}

TEST_F(RecordCodecTest, AWallClockThatIsSetAfterATokenCameDoesNotChangeItsExpiry) {
  const auto record = Record("token");
  const absl::Time expires_at = clock_.Now() + absl::Hours(1);
  const FleetInstant before = Now();
  const std::string packed = Pack(*record);
  for (const absl::Duration jump : {absl::Hours(-5), absl::Seconds(8), absl::Hours(5)}) {
    testing::FakeClock clock;
    clock.JumpWall(jump);
    const FleetInstant now{clock.Boot(), before.fleet, clock.Now()};
    EXPECT_EQ(RecordCodec::ExpiresAt(*record, now), std::min(expires_at, expires_at + jump));
    const auto back = codec_.Unpack(packed, 42, now);
    ASSERT_NE(back, nullptr);
    EXPECT_LE(back->usable_until(), record->usable_until());
  }
}

TEST_F(RecordCodecTest, GivesBackTheVeryBytesOfEveryKindOfToken) {
  const std::string jwt = testing::EntraToken(random_, 1500);
  const std::vector<std::string> tokens = {
      "x",
      jwt,
      jwt + "=",                      // Padded: not what encoding gives.
      jwt.substr(0, jwt.size() - 1),  // A cut signature.
      jwt + ".",                      // Four parts.
      jwt + "." + jwt,                // More of them.
      "..",                           // Three empty parts.
      "a.b.c",                        // No base64.
      "AA.AA.AB",                     // Bits that no encoder sets.
      "AAA+.AAA/.AAAA",               // The other alphabet.
      "AAAA.AA AA.AAAA",              // Blanks, which decoders skip.
      "AAAA.AAAA.AAAA\n",
      std::string("\0\xff.\n.", 5),
      testing::RandomText(random_, 64),
  };
  for (const std::string& token : tokens) {
    for (const char* scopes : {"", "https://graph.microsoft.com/.default", "a b"}) {
      ExpectRoundTrip(token, scopes);
    }
  }
}

TEST_F(RecordCodecTest, GivesBackTheVeryBytesOfRandomTokens) {
  std::mt19937 random(20260102);
  const std::string alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_-_....==+/ \n";
  for (int i = 0; i < 2000; ++i) {
    std::string token;
    if (i % 2 == 0) {
      token = testing::JoinJwt(
          testing::RandomBytes(random_, random() % 50),
          std::string(random() % 300, 'a') + testing::RandomBytes(random_, random() % 300),
          testing::RandomBytes(random_, random() % 300));
      // Some of them broken at one place.
      if (i % 8 == 0) token[random() % token.size()] = alphabet[random() % alphabet.size()];
    } else {
      token.resize(1 + random() % 40);
      for (char& c : token) c = alphabet[random() % alphabet.size()];
    }
    ExpectRoundTrip(token, testing::RandomText(random_, random() % 60));
  }
}

TEST_F(RecordCodecTest, MakesEntraTokensSmaller) {
  for (const std::size_t size : {1500u, 2048u}) {
    const std::string token = testing::EntraToken(random_, size);
    const double ratio = static_cast<double>(Pack(*Record(token)).size()) / token.size();
    std::cout << "[          ] packed: " << ratio << " of a token of " << token.size() << " B\n";
    EXPECT_LT(ratio, 0.95);
  }
}

TEST_F(RecordCodecTest, RefusesToPackWhatIsTooLargeOrBeyondTheCalendar) {
  const std::string largest(RecordCodec::kMaxTokenBytes, 'x');
  ExpectRoundTrip(largest, std::string(RecordCodec::kMaxScopesBytes, 's'));
  EXPECT_EQ(Pack(*Record(largest + "x")), "refused");
  EXPECT_EQ(Pack(*Record("x", std::string(RecordCodec::kMaxScopesBytes + 1, 's'))), "refused");
  TokenRecord::Fields fields;
  fields.token = "token";
  fields.expires_at = absl::UnixEpoch() - absl::Hours(24 * 365 * 100);
  EXPECT_EQ(Pack(*TokenRecord::Make(fields)), "refused");
}

TEST_F(RecordCodecTest, PacksTheLargestJwt) {
  const std::string payload(40000, 'p');
  const std::string token = testing::JoinJwt("{}", payload, testing::RandomBytes(random_, 8000));
  ASSERT_LE(token.size(), RecordCodec::kMaxTokenBytes);
  ExpectRoundTrip(token, "");
}

TEST_F(RecordCodecTest, NoRecordIsUsableAfterItsExpiry) {
  cache::v1::TokenRecord message = Message();
  message.set_usable_until_ms(message.expires_at_ms() + 3600000);
  const auto record = Unpack(message);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->usable_until() - clock_.Boot(), ToNanos(absl::Hours(1)));
}

TEST_F(RecordCodecTest, UnpacksNothingButWhatIsPacked) {
  ASSERT_NE(Unpack(Message()), nullptr);
  const std::vector<std::function<void(cache::v1::TokenRecord&)>> breaks = {
      [](auto& m) { m.clear_texts(); },
      [](auto& m) { m.set_first_bytes(6); },
      [](auto& m) { m.set_first_bytes(0); },
      [](auto& m) { m.set_second_bytes(1); },
      [](auto& m) { m.set_first_bytes(0xffffffff); },
      [](auto& m) {
        m.set_jwt(true);
        m.set_second_bytes(0xffffffff);
      },
      [](auto& m) { m.set_inflated_bytes(5); },
      [](auto& m) { m.set_inflated_bytes(0xffffffff); },
      [](auto& m) { m.set_expires_at_ms(-1); },
      [](auto& m) { m.set_refresh_at_ms(INT64_MAX); },
      [](auto& m) { m.set_usable_until_ms(INT64_MIN); },
      [](auto& m) { m.set_expires_at_ms(253402300800000); },
      [](auto& m) {
        m.set_texts(std::string(RecordCodec::kMaxTokenBytes + 1, 'x'));
        m.set_first_bytes(RecordCodec::kMaxTokenBytes + 1);
      },
      [](auto& m) {
        // As a JWT it would be larger than a token may be.
        m.set_jwt(true);
        m.set_texts(std::string(RecordCodec::kMaxTokenBytes, 'x'));
        m.set_first_bytes(RecordCodec::kMaxTokenBytes);
      },
  };
  for (std::size_t i = 0; i < breaks.size(); ++i) {
    cache::v1::TokenRecord message = Message();
    breaks[i](message);
    EXPECT_EQ(Unpack(message), nullptr) << i;
  }
  EXPECT_EQ(codec_.Unpack("\xff\xff garbage", 1, Now()), nullptr);
  EXPECT_EQ(codec_.Unpack("", 1, Now()), nullptr);
}

TEST_F(RecordCodecTest, TimesFarAwayStayInRange) {
  cache::v1::TokenRecord message = Message();
  message.set_expires_at_ms(253402300799999);
  message.set_usable_until_ms(253402300799999);
  message.set_refresh_at_ms(0);
  const auto record = Unpack(message);
  ASSERT_NE(record, nullptr);
  EXPECT_GT(record->usable_until(), clock_.Boot());
  EXPECT_LT(record->due(), clock_.Boot());
}

}  // namespace
}  // namespace tokensvc
