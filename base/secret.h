// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_SECRET_H_
#define TOKENSVC_BASE_SECRET_H_

#include <cstddef>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// Bytes that must not be shown: client secrets, private keys, assertions, tokens. Cannot be
/// streamed, formatted or compared by accident; overwritten when it ends. `Reveal()` is the only
/// way in, so that a search for it finds every use. Move-only: a copy must be written as `Clone()`.
class Secret {
 public:
  Secret() = default;
  /// Takes the bytes over, and wipes what a short string leaves behind in `bytes`.
  explicit Secret(std::string&& bytes);
  static Secret CopyOf(absl::string_view bytes) { return Secret(std::string(bytes)); }

  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.Cleanse(); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { Cleanse(); }

  Secret Clone() const { return CopyOf(bytes_); }

  /// The bytes. Valid while this object lives and is not moved from.
  absl::string_view Reveal() const { return bytes_; }

  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  /// Compares in time that depends on the lengths only.
  friend bool operator==(const Secret& a, const Secret& b);

 private:
  void Cleanse() noexcept;

  std::string bytes_;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_SECRET_H_
