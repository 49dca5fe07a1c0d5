// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_TEXT_DEFLATE_H_
#define TOKENSVC_CACHE_SEAL_TEXT_DEFLATE_H_

#include <cstddef>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "base/secret.h"

namespace tokensvc {

/// Raw DEFLATE (RFC 1951) for the short JSON texts of tokens, with a dictionary of what most of
/// them say. The dictionary is part of the records' format. Keeps zlib's state between calls, and
/// with it some of the text: not for texts that are secret on their own. Not thread-safe.
class TextDeflate {
 public:
  TextDeflate();
  ~TextDeflate();
  TextDeflate(const TextDeflate&) = delete;
  TextDeflate& operator=(const TextDeflate&) = delete;

  /// None where the result would not be shorter than `text`.
  std::optional<Secret> Deflate(absl::string_view text);

  /// The inverse. `size` is what the text's length must be, which the caller has bounded. None for
  /// anything that is not one whole stream of exactly that length.
  std::optional<Secret> Inflate(absl::string_view deflated, std::size_t size);

 private:
  struct Streams;
  std::unique_ptr<Streams> streams_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_TEXT_DEFLATE_H_
