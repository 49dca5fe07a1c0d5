// SPDX-License-Identifier: Apache-2.0
// What calls get after a purge, and while one comes.
#include "service/source/token_purger.h"

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "service/source/cache_key.h"
#include "tests/service/source/app_token_source_fixture.h"

namespace tokensvc {
namespace {

/// Takes what it is given, or refuses it.
class FakeSharedPurges final : public SharedPurges {
 public:
  void Raise(ScopeNames names, std::uint64_t at_least, BootTime, Done done) override {
    raised = std::move(names);
    least = at_least;
    done(answer);
  }
  ScopeNames raised;
  std::uint64_t least = 0;
  absl::Status answer;
};

/// A secret that lets a test do something while a token is asked for.
class InterruptedSecret final : public ClientCredential {
 public:
  explicit InterruptedSecret(std::function<void()> interrupt) : interrupt_(std::move(interrupt)) {}
  const std::string& id() const override { return plain_.id(); }
  asio::awaitable<absl::Status> AddTo(TokenEndpointRequest& request) override {
    interrupt_();
    co_return co_await plain_.AddTo(request);
  }
  std::uint64_t version() const override { return 1; }

 private:
  FixedSecret plain_;
  const std::function<void()> interrupt_;
};

class TokenPurgerTest : public AppTokenSourceTest {
 protected:
  /// Whoever asks for a token of the registration calls `interrupt`.
  void InterruptWith(std::function<void()> interrupt) {
    std::vector<std::shared_ptr<ClientCredential>> credentials = {
        std::make_shared<InterruptedSecret>(std::move(interrupt))};
    const CredentialEnvironment environment{clock_, random_, workers_, logger_,
                                            credential_metrics_};
    auto registration = std::make_shared<Registration>(*registration_);
    registration->credentials =
        std::make_shared<CredentialList>(std::move(credentials), environment);
    registration_ = registration;
  }
  static PurgeTarget Tenant(const std::string& tenant) {
    PurgeTarget target;
    target.kind = PurgeTarget::Kind::kTenant;
    target.authority = "dev";
    target.tenant = tenant;
    return target;
  }
  static PurgeTarget NamedRegistration(const std::string& name) {
    PurgeTarget target;
    target.kind = PurgeTarget::Kind::kRegistration;
    target.registration = name;
    return target;
  }
  static PurgeTarget Credential(const std::string& id) {
    PurgeTarget target;
    target.kind = PurgeTarget::Kind::kCredential;
    target.registration = "orders";
    target.credential = id;
    return target;
  }

  TokenPurger::Dependencies PurgerDependencies(SharedPurges* shared) {
    return {purges_,
            namer_,
            failures_,
            logger_,
            [this] {
              return std::make_shared<const Directory>(Directory{{"orders", registration_}});
            },
            shared};
  }
  static Result<PurgeReport> PurgeWith(TokenPurger& purger, const PurgeTarget& target) {
    std::promise<Result<PurgeReport>> done;
    purger.Purge(target, BootTime::max(),
                 [&done](Result<PurgeReport> report) { done.set_value(std::move(report)); });
    return done.get_future().get();
  }
  void MustPurge(const PurgeTarget& target) {
    TokenPurger purger(PurgerDependencies(nullptr));
    const Result<PurgeReport> report = PurgeWith(purger, target);
    ASSERT_TRUE(report.ok());
    EXPECT_FALSE(report->shared);
  }
  int TokenRequests() const { return authority_->counters().token_requests; }
  void MustAcquire(const AppTokenRequest& request) { ASSERT_TRUE(Acquire(request).ok()); }
};

TEST_F(TokenPurgerTest, AfterAPurgeTheNextCallAsksTheAuthorityAndTheOneAfterItDoesNot) {
  for (const PurgeTarget& target :
       {Tenant(kTenant), NamedRegistration("orders"), Credential("orders/0")}) {
    MustAcquire(Request());
    const int before = TokenRequests();
    MustAcquire(Request());
    EXPECT_EQ(TokenRequests(), before);
    MustPurge(target);
    MustAcquire(Request());
    EXPECT_EQ(TokenRequests(), before + 1) << static_cast<int>(target.kind);
    MustAcquire(Request());
    EXPECT_EQ(TokenRequests(), before + 1) << static_cast<int>(target.kind);
  }
}

TEST_F(TokenPurgerTest, OtherTenantsRegistrationsAndCredentialsKeepTheirTokens) {
  MustAcquire(Request());
  MustAcquire(RequestIn(kOtherTenant));
  MustPurge(Tenant(kOtherTenant));
  MustPurge(NamedRegistration("another"));
  MustPurge(Credential("orders/1"));
  MustAcquire(Request());
  EXPECT_EQ(TokenRequests(), 2);
  MustAcquire(RequestIn(kOtherTenant));
  EXPECT_EQ(TokenRequests(), 3);
}

TEST_F(TokenPurgerTest, ATokenThatIsPurgedWhileItIsFetchedIsFetchedAgainForThoseWhoWait) {
  std::atomic<int> interrupts{0};
  InterruptWith([&] {
    if (++interrupts == 1) MustPurge(Tenant(kTenant));
  });
  const Result<AppToken> token = Acquire(Request());
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(TokenRequests(), 2);
  const Result<AppToken> later = Acquire(Request());
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(later->record, token->record) << "the second one is as good as any";
  EXPECT_EQ(TokenRequests(), 2);
}

TEST_F(TokenPurgerTest, WhoeverPurgesWithoutAPauseKeepsNobodyFromTheAuthority) {
  InterruptWith([&] { purges_.Raise(namer_.NamesOf({PurgeKind::kRegistration, "orders"}), 1); });
  const Result<AppToken> token = Acquire(Request());
  EXPECT_TRUE(token.ok());
  EXPECT_EQ(TokenRequests(), 3);
  EXPECT_TRUE(Acquire(Request()).ok());
  EXPECT_EQ(TokenRequests(), 6) << "nothing of it was kept";
}

TEST_F(TokenPurgerTest, ARecordOfTheSharedCacheThatWasPurgedHereIsNotAnswered) {
  TokenRecord::Fields fields;
  fields.token = "of another replica";
  fields.refresh_at = fields.expires_at = clock_.Now() + absl::Minutes(10);
  fields.due = fields.usable_until = clock_.Boot() + ToNanos(absl::Minutes(10));
  fields.generation = 1;
  fields.fresh_at = purges_.changes();
  fields.purge_tags[0] = PurgeEpochs::TagOf(namer_.NamesOf({PurgeKind::kRegistration, "orders"}));
  for (const auto& loop : loops_) loop->shared.Hold(TokenRecord::Make(fields));
  EXPECT_EQ(Acquire(Request())->record->RevealToken(), "of another replica");
  for (const auto& loop : loops_) loop->shared.Hold(nullptr);
  MustPurge(NamedRegistration("orders"));
  EXPECT_NE(Acquire(Request())->record->RevealToken(), "of another replica");
}

TEST_F(TokenPurgerTest, APurgeForgetsRefusals) {
  DevAuthority::Fault refusal;
  refusal.status = 400;
  refusal.body = R"({"error":"unauthorized_client"})";
  authority_->AddFault(refusal);
  EXPECT_FALSE(Acquire(Request()).ok());
  authority_->ClearFaults();
  EXPECT_FALSE(Acquire(Request()).ok()) << "it is remembered";
  MustPurge(Tenant(kTenant));
  EXPECT_TRUE(Acquire(Request()).ok());
}

TEST_F(TokenPurgerTest, HoldsHereWhateverBecomesOfItInTheSharedCache) {
  FakeSharedPurges shared;
  TokenPurger purger(PurgerDependencies(&shared));
  MustAcquire(Request());
  const Result<PurgeReport> report = PurgeWith(purger, Tenant(kTenant));
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->shared);
  const ScopeNames names =
      namer_.NamesOf({PurgeKind::kTenant, TenantPartition(*registration_->authority, kTenant)});
  EXPECT_EQ(shared.raised, names);
  EXPECT_EQ(shared.least, purges_.EpochOf(names));
  MustAcquire(Request());
  EXPECT_EQ(TokenRequests(), 2);

  shared.answer = absl::UnavailableError("down");
  const Result<PurgeReport> refused = PurgeWith(purger, Tenant(kTenant));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, absl::StatusCode::kUnavailable);
  EXPECT_EQ(refused.error().reason, Reason::kSharedCacheUnavailable);
  EXPECT_TRUE(refused.error().retry_after.has_value());
  MustAcquire(Request());
  EXPECT_EQ(TokenRequests(), 3);
}

TEST_F(TokenPurgerTest, ATargetThatIsNoneIsRefusedAndPurgesNothing) {
  TokenPurger purger(PurgerDependencies(nullptr));
  PurgeTarget unknown = Tenant(kTenant);
  unknown.authority = "another";
  for (const PurgeTarget& target : {Tenant(""), NamedRegistration(""), Credential(""), unknown}) {
    const Result<PurgeReport> refused = PurgeWith(purger, target);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(refused.error().violations.size(), 1u);
  }
  EXPECT_EQ(purges_.changes(), 0u);
}

}  // namespace
}  // namespace tokensvc
