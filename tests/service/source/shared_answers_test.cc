// SPDX-License-Identifier: Apache-2.0
// What becomes of a call when the shared cache has something, has something old, or hangs.
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/service/source/app_token_source_fixture.h"

namespace tokensvc {
namespace {

class SharedAnswersTest : public AppTokenSourceTest {
 protected:
  /// Due for refresh since a minute, and good for ten more.
  std::shared_ptr<const TokenRecord> DueRecord() const {
    TokenRecord::Fields fields;
    fields.token = "of another replica";
    fields.refresh_at = clock_.Now() - absl::Minutes(1);
    fields.expires_at = clock_.Now() + absl::Minutes(10);
    fields.due = clock_.Boot() - ToNanos(absl::Minutes(1));
    fields.usable_until = clock_.Boot() + ToNanos(absl::Minutes(10));
    fields.generation = 1;
    return TokenRecord::Make(fields);
  }
  void HoldInAll(const std::shared_ptr<const TokenRecord>& record) {
    for (const auto& loop : loops_) loop->shared.Hold(record);
  }
  void WaitForTokenRequests(int count) {
    while (authority_->counters().token_requests < count) std::this_thread::yield();
  }
  std::vector<Result<AppToken>> AcquireMany(std::vector<AppTokenRequest> requests,
                                            absl::Duration timeout = absl::Seconds(30)) {
    std::vector<std::promise<Result<AppToken>>> promises(requests.size());
    std::vector<AppTokenSource::Wanted> wanted;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      std::string key = source_->KeyOf(requests[i]);
      wanted.push_back({std::move(requests[i]), std::move(key),
                        [&promise = promises[i]](Result<AppToken> token) {
                          promise.set_value(std::move(token));
                        }});
    }
    source_->AcquireMany(std::move(wanted), clock_.Boot() + ToNanos(timeout));
    std::vector<Result<AppToken>> results;
    for (auto& promise : promises) results.push_back(promise.get_future().get());
    return results;
  }
};

TEST_F(SharedAnswersTest, ADueTokenIsAnsweredAndRefreshedBehindTheAnswer) {
  HoldInAll(DueRecord());
  const Result<AppToken> first = Acquire(Request());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->found_in, FoundIn::kSharedCache);
  EXPECT_EQ(first->cause, RefreshCause::kProactive);
  EXPECT_EQ(first->record->RevealToken(), "of another replica");
  WaitForTokenRequests(1);
  std::string token;
  do {
    const Result<AppToken> later = Acquire(Request());
    ASSERT_TRUE(later.ok());
    token = std::string(later->record->RevealToken());
  } while (token == "of another replica");
  EXPECT_EQ(authority_->counters().token_requests, 1);
}

TEST_F(SharedAnswersTest, ADueTokenIsAnsweredWhileTheAuthorityIsAway) {
  HoldInAll(DueRecord());
  DevAuthority::Fault broken;
  broken.status = 503;
  authority_->AddFault(broken);
  for (int i = 0; i < 3; ++i) {
    const Result<AppToken> answered = Acquire(Request());
    ASSERT_TRUE(answered.ok());
    EXPECT_EQ(answered->record->RevealToken(), "of another replica");
  }
  clock_.Advance(absl::Minutes(11));
  EXPECT_FALSE(Acquire(Request()).ok()) << "its time is over";
}

TEST_F(SharedAnswersTest, ABatchIsAnsweredWithDueTokensToo) {
  HoldInAll(DueRecord());
  DevAuthority::Fault broken;
  broken.status = 503;
  authority_->AddFault(broken);
  std::vector<AppTokenRequest> requests;
  for (int i = 0; i < 10; ++i) requests.push_back(Request(absl::StrCat("api://r", i, "/.default")));
  for (const Result<AppToken>& answered : AcquireMany(std::move(requests))) {
    ASSERT_TRUE(answered.ok());
    EXPECT_EQ(answered->found_in, FoundIn::kSharedCache);
    EXPECT_EQ(answered->record->RevealToken(), "of another replica");
  }
  WaitForTokenRequests(10);
}

TEST_F(SharedAnswersTest, WhoForcesGetsNothingOldFromIt) {
  HoldInAll(DueRecord());
  const Result<AppToken> forced = Acquire(Request("api://orders/.default", true));
  ASSERT_TRUE(forced.ok());
  EXPECT_EQ(forced->found_in, FoundIn::kAuthority);
}

TEST_F(SharedAnswersTest, ACallInAHurryIsNotHeldByALookThatHangs) {
  for (const auto& loop : loops_) loop->shared.hangs_at_get = true;
  const Result<AppToken> answered = Acquire(Request(), absl::Milliseconds(1000));
  ASSERT_TRUE(answered.ok());
  EXPECT_EQ(answered->found_in, FoundIn::kAuthority);
  for (const Result<AppToken>& each : AcquireMany(
           {Request("api://a/.default"), Request("api://b/.default")}, absl::Milliseconds(1000))) {
    EXPECT_TRUE(each.ok());
  }
}

TEST_F(SharedAnswersTest, ATokenThatIsHereIsAnsweredThoughItCannotBeShared) {
  for (const auto& loop : loops_) loop->shared.hangs_at_put = true;
  const Result<AppToken> answered = Acquire(Request(), absl::Milliseconds(1000));
  ASSERT_TRUE(answered.ok());
  EXPECT_EQ(answered->found_in, FoundIn::kAuthority);
  EXPECT_EQ(authority_->counters().token_requests, 1);
}

}  // namespace
}  // namespace tokensvc
