// SPDX-License-Identifier: Apache-2.0
#include "service/http/response_sink.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace tokensvc {

// A Secret overwrites its bytes when it ends.
ResponseSink::~ResponseSink() { Secret wiped(std::move(body_)); }

bool ResponseSink::AddHeaderLine(absl::string_view line) {
  if (body_began_) return true;
  if (absl::StartsWith(line, "HTTP/")) {
    headers_.clear();
    header_bytes_ = 0;
    return true;
  }
  const std::size_t colon = line.find(':');
  if (colon == absl::string_view::npos) return true;  // the empty line at the end
  header_bytes_ += line.size();
  if (headers_.size() == kMaxHeaders || header_bytes_ > kMaxHeaderBytes) {
    overflowed_ = true;
    return false;
  }
  headers_.emplace_back(absl::AsciiStrToLower(line.substr(0, colon)),
                        std::string(absl::StripAsciiWhitespace(line.substr(colon + 1))));
  return true;
}

bool ResponseSink::AddBody(absl::string_view bytes) {
  body_began_ = true;
  if (bytes.size() > max_body_bytes_ - body_.size()) {
    overflowed_ = true;
    return false;
  }
  const std::size_t size = body_.size() + bytes.size();
  if (size > body_.capacity()) {
    // A string that grows by itself would leave its old bytes, tokens perhaps, in freed memory.
    std::string larger;
    larger.reserve(
        std::min(max_body_bytes_, std::max({size, 2 * body_.capacity(), std::size_t{4096}})));
    larger.append(body_);
    body_.swap(larger);
    Secret wiped(std::move(larger));
  }
  body_.append(bytes.data(), bytes.size());
  return true;
}

HttpResponse ResponseSink::Take(int status) {
  HttpResponse response;
  response.status = status;
  response.headers = std::move(headers_);
  response.body = Secret(std::move(body_));
  headers_.clear();
  body_.clear();
  return response;
}

}  // namespace tokensvc
