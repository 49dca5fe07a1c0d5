// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_SHARED_LOOKUP_H_
#define TOKENSVC_SERVICE_SOURCE_SHARED_LOOKUP_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "asio/awaitable.hpp"
#include "base/clock.h"
#include "cache/shared_store.h"

namespace tokensvc {

/// What a look into the shared cache brings for each name.
using SharedRecords = std::vector<absl::StatusOr<std::shared_ptr<const TokenRecord>>>;

/// Asks `store`, which must outlive the loop's run, for `names`. A caller who has little time left
/// until `deadline` spends half of it here at most, and finds kDeadlineExceeded everywhere: a store
/// that hangs must leave the time to ask the authority.
asio::awaitable<SharedRecords> LookUpShared(SharedStore& store, std::vector<RecordName> names,
                                            BootTime deadline, BootTime now);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_SHARED_LOOKUP_H_
