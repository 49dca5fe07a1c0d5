// SPDX-License-Identifier: Apache-2.0
// How many calls wait, and whose.
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/service/source/app_token_source_fixture.h"

namespace tokensvc {
namespace {

class WaitingCallsTest : public AppTokenSourceTest {
 protected:
  std::future<Result<AppToken>> Start(AppTokenRequest request) {
    std::string key = source_->KeyOf(request);
    auto promise = std::make_shared<std::promise<Result<AppToken>>>();
    source_->Acquire(std::move(request), std::move(key), clock_.Boot() + ToNanos(absl::Seconds(30)),
                     [promise](Result<AppToken> token) { promise->set_value(std::move(token)); });
    return promise->get_future();
  }
  AppTokenRequest New(const std::string& caller, std::uint32_t concurrent_calls) {
    AppTokenRequest request = RequestOf(caller, absl::StrCat("api://new-", ++scopes_, "/.default"));
    request.concurrent_calls = concurrent_calls;
    return request;
  }

 private:
  int scopes_ = 0;
};

TEST_F(WaitingCallsTest, OneCallerHasSoManyAndTheOthersArePatientlyServed) {
  DevAuthority::Fault hangs;
  hangs.hang = true;
  authority_->AddFault(hangs);
  std::vector<std::future<Result<AppToken>>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(Start(New("noisy", 3)));
  for (int i = 0; i < 50; ++i) {
    const Result<AppToken> refused = Start(New("noisy", 3)).get();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(refused.error().reason, Reason::kQuotaExceeded);
    EXPECT_TRUE(refused.error().retry_after.has_value());
  }
  for (int i = 0; i < 3; ++i) waiting.push_back(Start(New("quiet", 3)));
  authority_->ClearFaults();
  for (auto& each : waiting) EXPECT_TRUE(each.get().ok());
  EXPECT_TRUE(Start(New("noisy", 3)).get().ok()) << "its places are free again";
}

TEST_F(WaitingCallsTest, ABatchTakesAPlaceForEachOfItsTokens) {
  std::vector<std::promise<Result<AppToken>>> promises(5);
  std::vector<AppTokenSource::Wanted> wanted;
  DevAuthority::Fault hangs;
  hangs.hang = true;
  authority_->AddFault(hangs);
  for (auto& promise : promises) {
    AppTokenRequest request = New("noisy", 3);
    std::string key = source_->KeyOf(request);
    wanted.push_back({std::move(request), std::move(key),
                      [&promise](Result<AppToken> token) { promise.set_value(std::move(token)); }});
  }
  source_->AcquireMany(std::move(wanted), clock_.Boot() + ToNanos(absl::Seconds(30)));
  for (int i = 3; i < 5; ++i) {
    const Result<AppToken> refused = promises[static_cast<std::size_t>(i)].get_future().get();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason, Reason::kQuotaExceeded);
  }
  authority_->ClearFaults();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(promises[static_cast<std::size_t>(i)].get_future().get().ok());
  }
}

}  // namespace
}  // namespace tokensvc
