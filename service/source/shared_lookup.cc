// SPDX-License-Identifier: Apache-2.0
#include "service/source/shared_lookup.h"

#include <chrono>
#include <optional>
#include <utility>

#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/this_coro.hpp"
#include "asio/use_awaitable.hpp"

namespace tokensvc {
namespace {

// Who has more time than this can wait for the store's own timeouts, which are shorter.
constexpr BootClock::duration kPatient = std::chrono::seconds(2);

/// What the one who asks and the one who waits share.
struct Look {
  explicit Look(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  std::optional<SharedRecords> found;
};

asio::awaitable<void> Ask(SharedStore& store, std::vector<RecordName> names,
                          std::shared_ptr<Look> look) {
  SharedRecords found = co_await store.GetMany(std::move(names));
  look->found.emplace(std::move(found));
  look->timer.cancel();
}

}  // namespace

asio::awaitable<SharedRecords> LookUpShared(SharedStore& store, std::vector<RecordName> names,
                                            BootTime deadline, BootTime now) {
  if (deadline - now >= kPatient) co_return co_await store.GetMany(std::move(names));
  const std::size_t count = names.size();
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto look = std::make_shared<Look>(executor);
  look->timer.expires_after((deadline - now) / 2);
  asio::co_spawn(executor, Ask(store, std::move(names), look), asio::detached);
  // Ends when there is an answer, or when the time is up.
  co_await look->timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  if (look->found.has_value()) co_return std::move(*look->found);
  co_return SharedRecords(count, absl::DeadlineExceededError("the caller has no time to wait"));
}

}  // namespace tokensvc
