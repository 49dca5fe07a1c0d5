// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_EXPECTED_H_
#define TOKENSVC_BASE_EXPECTED_H_

#include <utility>
#include <variant>

namespace tokensvc {

/// Either a value or the error that stands in its place, with the error's own type;
/// `absl::StatusOr` is used where a plain status says enough. Shaped like C++23's `std::expected`,
/// which GCC 12 lacks for C++20.
template <class T, class E>
class Expected {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` is the point.
  Expected(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): `return error;` likewise.
  Expected(E error) : content_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& value() const& { return std::get<0>(content_); }
  T& value() & { return std::get<0>(content_); }
  T&& value() && { return std::get<0>(std::move(content_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  const E& error() const& { return std::get<1>(content_); }
  E& error() & { return std::get<1>(content_); }
  E&& error() && { return std::get<1>(std::move(content_)); }

 private:
  std::variant<T, E> content_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_EXPECTED_H_
