// SPDX-License-Identifier: Apache-2.0
// The ports' implementations for a service with one replica.
#include <atomic>
#include <memory>
#include <utility>

#include "asio/co_spawn.hpp"
#include "asio/io_context.hpp"
#include "asio/use_future.hpp"
#include "cache/lease.h"
#include "cache/shared_store.h"
#include "gtest/gtest.h"
#include "tests/cache/test_records.h"

namespace tokensvc {
namespace {

template <class T>
T Await(asio::awaitable<T> awaitable) {
  asio::io_context context;
  auto result = asio::co_spawn(context, std::move(awaitable), asio::use_future);
  context.run();
  return result.get();
}

TEST(LocalLeasesTest, GivesEveryRequestALeaseOfAGreaterGeneration) {
  std::atomic<std::uint64_t> generations{41};
  LocalLeases first(generations);
  LocalLeases second(generations);
  std::uint64_t last = 41;
  for (int i = 0; i < 10; ++i) {
    const Lease lease = Await((i % 2 == 0 ? first : second).Acquire("same key"));
    EXPECT_EQ(lease.state, Lease::State::kAcquired);
    EXPECT_GT(lease.generation, last);
    last = lease.generation;
    Await(first.Release("same key", lease));
  }
  EXPECT_EQ(generations, last);
}

TEST(LocalLeasesTest, IsAnErrorWhereNothingWasAcquired) {
  EXPECT_EQ(Lease().state, Lease::State::kError);
  EXPECT_EQ(Lease().generation, 0u);
}

TEST(NoSharedStoreTest, FindsNothingAndKeepsNothing) {
  NoSharedStore store;
  const auto record = testing::MakeRecord("a");
  const RecordName name{"k", "t"};
  EXPECT_TRUE(Await(store.Put(name, record)).ok());
  EXPECT_EQ(record.use_count(), 1);
  const auto found = Await(store.GetMany({name, name}));
  ASSERT_EQ(found.size(), 2u);
  ASSERT_TRUE(found[0].ok());
  EXPECT_EQ(*found[0], nullptr);
}

}  // namespace
}  // namespace tokensvc
