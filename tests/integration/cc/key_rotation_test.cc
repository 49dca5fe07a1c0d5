// SPDX-License-Identifier: Apache-2.0
// Keys rotate as docs/CONFIGURATION.md and `tokenctl keys --help` say, one replica after the other,
// while callers ask both; at every step, replicas that have just started join each side.
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/key_ring.h"
#include "base/mutex.h"
#include "cache/seal/sealer.h"
#include "client/tokenctl/commands.h"
#include "gmock/gmock.h"
#include "tests/integration/cc/shared_cache_fixture.h"

namespace tokensvc {
namespace {

using grpc::health::v1::HealthCheckResponse;
using testing::ServiceReplica;

/// Callers that ask replicas for the same tokens again and again.
class Load {
 public:
  Load(std::vector<const ServiceReplica*> replicas,
       std::vector<v1::AcquireForClientRequest> requests)
      : requests_(std::move(requests)) {
    for (const ServiceReplica* replica : replicas) {
      for (int i = 0; i < 2; ++i) callers_.emplace_back([this, replica] { Call(*replica); });
    }
  }
  ~Load() {
    stop_.store(true);
    for (std::thread& caller : callers_) caller.join();
  }

  int calls() const { return calls_.load(); }
  std::vector<std::string> failures() const {
    MutexLock lock(&mutex_);
    return failures_;
  }

 private:
  void Call(const ServiceReplica& replica) {
    for (std::size_t i = 0; !stop_.load(); ++i) {
      v1::AcquireForClientResponse response;
      const grpc::Status status = replica.Acquire(requests_[i % requests_.size()], &response);
      if (!status.ok() || response.access_token().value().empty()) {
        MutexLock lock(&mutex_);
        failures_.push_back(status.error_message());
      }
      calls_.fetch_add(1);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  const std::vector<v1::AcquireForClientRequest> requests_;
  std::atomic<bool> stop_{false};
  std::atomic<int> calls_{0};
  mutable Mutex mutex_;
  std::vector<std::string> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> callers_;
};

/// The tests force all of their tokens at once.
constexpr char kManyForced[] = "limits: {authority_budget: {forced_refreshes_per_minute: 6000}}\n";

class KeyRotationTest : public testing::SharedCacheFixture {
 protected:
  /// One of two replicas that have been there from the start, with key files of its own.
  struct Side {
    KeyFileNames files;
    std::unique_ptr<ServiceReplica> replica;
  };

  KeyRotationTest() {
    StartRedis();
    Tokenctl({"new", "--ring", "sealing", "--out", Path("sealing.keys")});
    Tokenctl({"new", "--ring", "index", "--out", Path("index.keys")});
    for (Side* side : {&a_, &b_}) {
      side->files = {side == &a_ ? "a-sealing" : "b-sealing", side == &a_ ? "a-index" : "b-index"};
      Copy("sealing.keys", side->files.sealing);
      Copy("index.keys", side->files.index);
      side->replica = StartReplica(side->files, kPatient + std::string(kManyForced));
    }
    for (int i = 0; i < 10; ++i) {
      tokens_.push_back(Request(absl::StrCat("api://r", i, "/.default")));
      Expect(*a_.replica, tokens_.back(), v1::TOKEN_SOURCE_AUTHORITY);
      Expect(*b_.replica, tokens_.back(), v1::TOKEN_SOURCE_SHARED_CACHE);
    }
    load_ = std::make_unique<Load>(
        std::vector<const ServiceReplica*>{a_.replica.get(), b_.replica.get()}, tokens_);
  }
  ~KeyRotationTest() override { load_.reset(); }

  /// Runs `tokenctl keys`.
  static void Tokenctl(std::vector<std::string> words) {
    words.insert(words.begin(), {"tokenctl", "keys"});
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    const auto options = tokenctl::ParseOptions(static_cast<int>(argv.size()), argv.data());
    ASSERT_TRUE(options.ok()) << options.error().text;
    std::ostringstream out, err;
    std::istringstream in;
    const SystemClock clock;
    EXPECT_EQ(tokenctl::RunCommand(*options, {out, err, in, clock}), tokenctl::kExitOk)
        << err.str();
  }

  std::string ReadFile(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }
  void Copy(const std::string& from, const std::string& to) const { WriteFile(to, ReadFile(from)); }

  /// What the operator does last: deletes the lines of retired keys.
  void DropRetired(const std::string& name) const {
    std::string kept;
    for (const absl::string_view line : absl::StrSplit(ReadFile(name), '\n', absl::SkipEmpty())) {
      if (!absl::StartsWith(line, "retired ")) absl::StrAppend(&kept, line, "\n");
    }
    WriteFile(name, kept);
  }

  /// Gives a replica the operator's key file, and waits until it has taken it over.
  void Bring(const std::string& ring, const Side& side) const {
    const std::size_t before = side.replica->logger.Count("key_files_reloaded");
    Copy(ring + ".keys", ring == "index" ? side.files.index : side.files.sealing);
    ASSERT_TRUE(
        Eventually([&] { return side.replica->logger.Count("key_files_reloaded") > before; }));
  }

  /// That the value by which replicas compare their keys is of the keys that are primary now, so
  /// that those before may go.
  void ExpectCheckValueOfPrimary() const {
    const auto index = KeyRing::Parse(ReadFile("index.keys"));
    const auto sealing = KeyRing::Parse(ReadFile("sealing.keys"));
    ASSERT_TRUE(index.ok() && sealing.ok());
    const std::string sealing_id = absl::HexStringToBytes(KeyIdText(sealing->primary().id));
    EXPECT_TRUE(Eventually([&] {
      const std::string value = redis_->Command({"GET", "tokensvc:check"});
      return value.size() > SealedHeader::kBytes &&
             SealedHeader::Read(value).key_id == index->primary().id &&
             value.substr(SealedHeader::kBytes, 4) == sealing_id;
    }));
  }

  /// Asks for a token; says where it came from, and counts what the authority must have seen.
  v1::TokenSource Ask(const ServiceReplica& replica, const v1::AcquireForClientRequest& request) {
    const v1::AcquireForClientResponse response = replica.MustAcquire(request);
    if (response.source() == v1::TOKEN_SOURCE_AUTHORITY) ++requests_;
    return response.source();
  }
  void Expect(const ServiceReplica& replica, const v1::AcquireForClientRequest& request,
              v1::TokenSource source) {
    EXPECT_EQ(Ask(replica, request), source) << request.scopes(0);
  }

  /// Where `to` finds a token that `from` has fetched just now.
  v1::TokenSource Share(const ServiceReplica& from, const ServiceReplica& to) {
    const auto request = Request(absl::StrCat("api://shared", next_++, "/.default"));
    Expect(from, request, v1::TOKEN_SOURCE_AUTHORITY);
    const v1::TokenSource found = Ask(to, request);
    Expect(to, request, v1::TOKEN_SOURCE_LOCAL_CACHE);
    return found;
  }

  /// That all tokens from the start are found by replicas that have just started on either side,
  /// that all replicas are ready, and that no call has failed.
  void ExpectNoLoss() {
    const int calls = load_->calls();
    const auto new_a = StartReplica(a_.files, kPatient + std::string(kManyForced)),
               new_b = StartReplica(b_.files, kPatient + std::string(kManyForced));
    for (const auto& request : tokens_) {
      Expect(*new_a, request, v1::TOKEN_SOURCE_SHARED_CACHE);
      Expect(*new_b, request, v1::TOKEN_SOURCE_SHARED_CACHE);
    }
    ExpectInService({a_.replica.get(), b_.replica.get(), new_a.get(), new_b.get()});
    EXPECT_TRUE(Eventually([&] { return load_->calls() >= calls + 100; }));
    EXPECT_THAT(load_->failures(), ::testing::IsEmpty());
    EXPECT_EQ(TokenRequests(), requests_);
  }

  void ExpectInService(const std::vector<const ServiceReplica*>& replicas) const {
    for (const ServiceReplica* replica : replicas) {
      EXPECT_EQ(replica->Ready(), HealthCheckResponse::SERVING);
      EXPECT_EQ(replica->logger.Count("keys_disagree"), 0u);
    }
  }

  Side a_, b_;
  std::vector<v1::AcquireForClientRequest> tokens_;
  std::unique_ptr<Load> load_;
  long requests_ = 0;
  int next_ = 0;
};

TEST_F(KeyRotationTest, OfTheSealingKeyCostsNoRequestAndNoCallAtAnyStep) {
  const std::vector<std::pair<std::string, std::function<void()>>> steps = {
      {"pending",
       [&] {
         Tokenctl({"new", "--out", Path("sealing.keys")});
       }},
      {"primary",
       [&] {
         Tokenctl({"promote", Path("sealing.keys")});
       }},
      {"dropped", [&] { DropRetired("sealing.keys"); }}};
  for (const auto& [name, change] : steps) {
    if (name == "dropped") {
      ExpectCheckValueOfPrimary();
      // As with time: all tokens have been fetched anew since the key was retired.
      for (auto request : tokens_) {
        request.set_force_refresh(true);
        Expect(*a_.replica, request, v1::TOKEN_SOURCE_AUTHORITY);
      }
    }
    change();
    for (const Side* side : {&a_, &b_}) {
      SCOPED_TRACE(absl::StrCat(name, side == &a_ ? " at a" : " at a and b"));
      Bring("sealing", *side);
      EXPECT_EQ(Share(*a_.replica, *b_.replica), v1::TOKEN_SOURCE_SHARED_CACHE);
      EXPECT_EQ(Share(*b_.replica, *a_.replica), v1::TOKEN_SOURCE_SHARED_CACHE);
      ExpectNoLoss();
    }
  }
  EXPECT_EQ(a_.replica->Metric("tokensvc_sealed_record_failures_total{cause=\"unknown_key\"}"), 0);
  EXPECT_EQ(b_.replica->Metric("tokensvc_sealed_record_failures_total{cause=\"unknown_key\"}"), 0);
}

TEST_F(KeyRotationTest, OfTheIndexKeyCostsOneRequestForATokenAndReplicaAtMost) {
  Tokenctl({"new", "--out", Path("index.keys")});
  for (const Side* side : {&a_, &b_}) {
    Bring("index", *side);
    EXPECT_EQ(Share(*a_.replica, *b_.replica), v1::TOKEN_SOURCE_SHARED_CACHE);
    EXPECT_EQ(Share(*b_.replica, *a_.replica), v1::TOKEN_SOURCE_SHARED_CACHE);
    ExpectNoLoss();
  }

  Tokenctl({"promote", Path("index.keys")});
  Bring("index", a_);
  // B does not look under a pending key: what A writes by now costs B a request, once.
  EXPECT_EQ(Share(*a_.replica, *b_.replica), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(Share(*b_.replica, *a_.replica), v1::TOKEN_SOURCE_SHARED_CACHE);
  ExpectNoLoss();
  Bring("index", b_);
  EXPECT_EQ(Share(*a_.replica, *b_.replica), v1::TOKEN_SOURCE_SHARED_CACHE);
  EXPECT_EQ(Share(*b_.replica, *a_.replica), v1::TOKEN_SOURCE_SHARED_CACHE);
  ExpectNoLoss();

  ExpectCheckValueOfPrimary();
  // Much too early: all tokens from the start still lie under the old key alone.
  DropRetired("index.keys");
  for (const Side* side : {&a_, &b_}) Bring("index", *side);
  const auto first = StartReplica(a_.files, kPatient + std::string(kManyForced)),
             second = StartReplica(b_.files, kPatient + std::string(kManyForced));
  for (const auto& request : tokens_) {
    Expect(*a_.replica, request, v1::TOKEN_SOURCE_LOCAL_CACHE);
    Expect(*b_.replica, request, v1::TOKEN_SOURCE_LOCAL_CACHE);
    Expect(*first, request, v1::TOKEN_SOURCE_AUTHORITY);
    Expect(*first, request, v1::TOKEN_SOURCE_LOCAL_CACHE);
    Expect(*second, request, v1::TOKEN_SOURCE_SHARED_CACHE);
  }
  ExpectInService({first.get(), second.get()});
  ExpectNoLoss();
}

// A key that has leaked is not kept for as long as tokens live.
TEST_F(KeyRotationTest, InAHurryRefusesNobody) {
  for (const std::string ring : {"sealing", "index"}) {
    Tokenctl({"new", "--out", Path(ring + ".keys")});
    for (const Side* side : {&a_, &b_}) Bring(ring, *side);
    Tokenctl({"promote", Path(ring + ".keys")});
    for (const Side* side : {&a_, &b_}) Bring(ring, *side);
    ExpectCheckValueOfPrimary();
    DropRetired(ring + ".keys");
    for (const Side* side : {&a_, &b_}) Bring(ring, *side);
  }
  const auto next = StartReplica(a_.files, kPatient + std::string(kManyForced));
  for (const auto& request : tokens_) Expect(*next, request, v1::TOKEN_SOURCE_AUTHORITY);
  ExpectInService({next.get()});
  ExpectNoLoss();
}

}  // namespace
}  // namespace tokensvc
