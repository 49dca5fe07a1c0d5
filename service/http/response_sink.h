// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_RESPONSE_SINK_H_
#define TOKENSVC_SERVICE_HTTP_RESPONSE_SINK_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// Collects an answer as it arrives, within bounds. Not thread-safe.
class ResponseSink {
 public:
  /// Bounds of the header section: an authority sends about twenty lines, 3 KiB.
  static constexpr std::size_t kMaxHeaders = 64;
  static constexpr std::size_t kMaxHeaderBytes = std::size_t{8} << 10;

  explicit ResponseSink(std::size_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}
  /// Overwrites the body that was not taken.
  ~ResponseSink();
  ResponseSink(const ResponseSink&) = delete;
  ResponseSink& operator=(const ResponseSink&) = delete;

  /// One line of the header section, line end included. A status line starts over: what came before
  /// was an interim answer (RFC 9110 §15.2). Lines after the body began (trailers) are dropped.
  /// False: too much; the answer must be given up.
  bool AddHeaderLine(absl::string_view line);

  /// A piece of the body. False: too much.
  bool AddBody(absl::string_view bytes);

  /// Whether one of the above was refused.
  bool overflowed() const { return overflowed_; }

  /// The answer. Leaves this empty.
  HttpResponse Take(int status);

 private:
  const std::size_t max_body_bytes_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::size_t header_bytes_ = 0;
  std::string body_;
  bool body_began_ = false;
  bool overflowed_ = false;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_RESPONSE_SINK_H_
