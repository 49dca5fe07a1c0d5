// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_SCALAR_H_
#define TOKENSVC_SERVICE_CONFIG_SCALAR_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokensvc {

/// A whole decimal number, `0` or `-?[1-9][0-9]*`: no sign `+`, no leading zero (octal to some
/// readers), no underscores.
std::optional<std::int64_t> ParseConfigInteger(absl::string_view text);

/// A whole number and one unit of `ms`, `s`, `m`, `h`.
std::optional<absl::Duration> ParseConfigDuration(absl::string_view text);

/// Bytes: a whole number and one unit of `B`, `KiB`, `MiB`, `GiB`. At most 2^62.
std::optional<std::int64_t> ParseConfigSize(absl::string_view text);

/// `[a-z0-9][a-z0-9._-]{0,62}`.
bool IsConfigName(absl::string_view text);

/// Whether a plain scalar would be a boolean, a null, a number or a date to some YAML reader (1.1
/// or 1.2). Text of that kind must be quoted, so that every tool that touches the file sees the
/// same.
bool LooksLikeOtherType(absl::string_view text);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_SCALAR_H_
