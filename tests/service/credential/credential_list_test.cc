// SPDX-License-Identifier: Apache-2.0
#include "service/credential/credential_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "service/credential/client_secret_credential.h"
#include "tests/service/credential/credential_fixture.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;

/// A credential whose version the test sets.
class FakeCredential final : public ClientCredential {
 public:
  explicit FakeCredential(std::string id) : id_(std::move(id)) {}
  const std::string& id() const override { return id_; }
  asio::awaitable<absl::Status> AddTo(TokenEndpointRequest&) override {
    co_return absl::OkStatus();
  }
  asio::awaitable<void> CheckForChange() override {
    ++checks;
    co_return;
  }
  std::uint64_t version() const override { return present_version; }

  std::atomic<std::uint64_t> present_version{1};
  int checks = 0;

 private:
  const std::string id_;
};

class CredentialListTest : public testing::CredentialFixture {
 protected:
  std::vector<std::string> Order() const {
    std::vector<std::string> ids;
    for (const auto& credential : list_.Candidates(clock_.Boot())) ids.push_back(credential->id());
    return ids;
  }

  std::shared_ptr<FakeCredential> a_ = std::make_shared<FakeCredential>("crm/0");
  std::shared_ptr<FakeCredential> b_ = std::make_shared<FakeCredential>("crm/1");
  std::shared_ptr<FakeCredential> c_ = std::make_shared<FakeCredential>("crm/2");
  CredentialList list_{{a_, b_, c_}, environment_};
};

TEST_F(CredentialListTest, StartsInTheOrderOfTheConfiguration) {
  EXPECT_THAT(Order(), ElementsAre("crm/0", "crm/1", "crm/2"));
  EXPECT_EQ(list_.size(), 3u);
}

TEST_F(CredentialListTest, ARefusedOneComesLastForFiveMinutes) {
  list_.MarkRefused("crm/0", 1);
  EXPECT_THAT(Order(), ElementsAre("crm/1", "crm/2", "crm/0"));
  clock_.JumpWall(absl::Hours(1));
  clock_.Advance(absl::Minutes(5) - absl::Nanoseconds(1));
  EXPECT_THAT(Order(), ElementsAre("crm/1", "crm/2", "crm/0"));
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_THAT(Order(), ElementsAre("crm/0", "crm/1", "crm/2"));
}

TEST_F(CredentialListTest, RefusedOnesKeepTheirOrderAmongThemselves) {
  list_.MarkRefused("crm/1", 1);
  list_.MarkRefused("crm/0", 1);
  EXPECT_THAT(Order(), ElementsAre("crm/2", "crm/0", "crm/1"));
  list_.MarkRefused("crm/2", 1);
  EXPECT_THAT(Order(), ElementsAre("crm/0", "crm/1", "crm/2"));
}

TEST_F(CredentialListTest, ANewVersionForgetsTheRefusal) {
  list_.MarkRefused("crm/0", 1);
  a_->present_version = 2;
  EXPECT_THAT(Order(), ElementsAre("crm/0", "crm/1", "crm/2"));
  list_.MarkRefused("crm/0", 2);
  EXPECT_THAT(Order(), ElementsAre("crm/1", "crm/2", "crm/0"));
}

TEST_F(CredentialListTest, ARefusalOfTheOldVersionThatArrivesLateDoesNotBlameTheNewOne) {
  a_->present_version = 2;
  list_.MarkRefused("crm/0", 1);
  EXPECT_THAT(Order(), ElementsAre("crm/0", "crm/1", "crm/2"));
  list_.MarkRefused("crm/0", 2);
  list_.MarkRefused("crm/0", 1);
  EXPECT_THAT(Order(), ElementsAre("crm/1", "crm/2", "crm/0"));
}

TEST_F(CredentialListTest, AnAcceptedOneIsForgiven) {
  list_.MarkRefused("crm/0", 1);
  list_.MarkAccepted("crm/0");
  EXPECT_THAT(Order(), ElementsAre("crm/0", "crm/1", "crm/2"));
}

TEST_F(CredentialListTest, CountsRefusalsAndSecondaryUses) {
  list_.MarkRefused("crm/0", 1);
  list_.MarkRefused("crm/0", 1);
  list_.MarkAccepted("crm/1");
  list_.MarkAccepted("crm/0");
  EXPECT_EQ(metrics_.For("crm/0").refusals.Value(), 2);
  EXPECT_EQ(metrics_.For("crm/0").secondary_uses.Value(), 0);
  EXPECT_EQ(metrics_.For("crm/1").refusals.Value(), 0);
  EXPECT_EQ(metrics_.For("crm/1").secondary_uses.Value(), 1);
  EXPECT_EQ(logger_.Count("credential_refused"), 1u) << "one line per refused version";
}

TEST_F(CredentialListTest, IgnoresIdsThatAreNotItsOwn) {
  list_.MarkRefused("crm/9", 1);
  list_.MarkAccepted("crm/9");
  EXPECT_THAT(Order(), ElementsAre("crm/0", "crm/1", "crm/2"));
}

TEST_F(CredentialListTest, LooksOnlyAtTheFilesOfRefusedOnes) {
  RunAwaitable(list_.RefreshRefused());
  EXPECT_EQ(a_->checks + b_->checks + c_->checks, 0);
  list_.MarkRefused("crm/1", 1);
  RunAwaitable(list_.RefreshRefused());
  EXPECT_EQ(b_->checks, 1);
  EXPECT_EQ(a_->checks + c_->checks, 0);
}

TEST_F(CredentialListTest, ARepairedSecretIsTriedAgainAlthoughItStoodLast) {
  ClientSecretCredential::Options options;
  options.id = "crm/0";
  options.secret = ReloadingSecret::FromFile("crm/0", Write("a", "bad"), environment_).value();
  CredentialList list(
      {std::make_shared<ClientSecretCredential>(std::move(options), environment_), b_},
      environment_);
  list.MarkRefused("crm/0", 1);
  EXPECT_EQ(list.Candidates(clock_.Boot())[0]->id(), "crm/1");
  Write("a", "good");
  PassInterval();
  RunAwaitable(list.RefreshRefused());
  EXPECT_EQ(list.Candidates(clock_.Boot())[0]->id(), "crm/0");
}

TEST_F(CredentialListTest, IsSharedByThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, id = "crm/" + std::to_string(i % 3)] {
      for (int round = 0; round < 500; ++round) {
        list_.MarkRefused(id, 1);
        if (list_.Candidates(clock_.Boot()).size() != 3) ++wrong;
        list_.MarkAccepted(id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(Order(), ElementsAre("crm/0", "crm/1", "crm/2"));
}

}  // namespace
}  // namespace tokensvc
