// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/seal_events.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

class SealEventsTest : public ::testing::Test {
 protected:
  /// Every metric as "name{label}".
  std::map<std::string, std::int64_t> Counts() const {
    std::map<std::string, std::int64_t> counts;
    metrics_.ForEach([&counts](const MetricRegistry::Entry& entry) {
      counts[absl::StrCat(entry.name, "{", entry.labels[0].second, "}")] += entry.counter->Value();
    });
    return counts;
  }

  MetricRegistry metrics_;
  testing::CapturingLogger logger_;
  testing::FakeClock clock_;
  SealEvents events_{metrics_, logger_, clock_, /*worn_after=*/3};
};

TEST_F(SealEventsTest, CountsEveryRefusalAndLogsEachCauseOnceAMinute) {
  for (int i = 0; i < 5; ++i) events_.Refused(RefusalCause::kForged);
  events_.Refused(RefusalCause::kUnknownKey);
  EXPECT_EQ(logger_.Count("sealed_record_refused"), 2u);
  EXPECT_EQ(Counts()["tokensvc_sealed_record_failures_total{forged}"], 5);
  EXPECT_EQ(Counts()["tokensvc_sealed_record_failures_total{unknown_key}"], 1);
  EXPECT_EQ(Counts()["tokensvc_sealed_record_failures_total{stale}"], 0);

  clock_.Advance(absl::Minutes(1));
  events_.Refused(RefusalCause::kForged);
  const auto lines = logger_.lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2].fields.at("cause"), "forged");
  EXPECT_EQ(lines[2].fields.at("records"), "5");  // Four in silence, and this one.
}

TEST_F(SealEventsTest, CountsWhatEachKeySealsAndOpens) {
  events_.Sealed(0x1234);
  events_.Opened(0x1234);
  events_.Opened(0x1234);
  events_.Opened(0x5678);
  EXPECT_EQ(Counts()["tokensvc_records_sealed_total{00001234}"], 1);
  EXPECT_EQ(Counts()["tokensvc_records_opened_total{00001234}"], 2);
  EXPECT_EQ(Counts()["tokensvc_records_opened_total{00005678}"], 1);
}

TEST_F(SealEventsTest, WarnsOnceWhenAKeyHasSealedTooMuch) {
  events_.Sealed(1);
  events_.Sealed(1);
  events_.Sealed(2);
  EXPECT_EQ(logger_.Count("sealing_key_worn"), 0u);
  for (int i = 0; i < 5; ++i) events_.Sealed(1);
  ASSERT_EQ(logger_.Count("sealing_key_worn"), 1u);
  EXPECT_EQ(logger_.lines()[0].fields.at("key"), "00000001");
}

TEST_F(SealEventsTest, HasABoundOnKeysWithCountersOfTheirOwn) {
  for (std::uint32_t id = 0; id < 2 * SealEvents::kMaxCountedKeys; ++id) events_.Sealed(id);
  EXPECT_EQ(Counts()["tokensvc_records_sealed_total{other}"],
            static_cast<std::int64_t>(SealEvents::kMaxCountedKeys));
}

}  // namespace
}  // namespace tokensvc
