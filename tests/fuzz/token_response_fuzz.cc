// SPDX-License-Identifier: Apache-2.0
// The answer of a token endpoint. First byte: which status; then an optional first line as
// `Retry-After`; then the body.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "service/authority/grammar.h"
#include "service/authority/token_response.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tokensvc;
  static constexpr int kStatuses[] = {200, 400, 401, 429, 503, 302};
  if (size == 0) return 0;
  HttpResponse response;
  response.status = kStatuses[data[0] % 6];
  std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t line = rest.find('\n');
  if (line != std::string::npos) {
    response.headers.emplace_back("retry-after", rest.substr(0, line));
    rest.erase(0, line + 1);
  }
  response.body = Secret(std::move(rest));
  ExchangeContext context;
  context.authority = "fuzz";
  context.for_app = (data[0] & 0x80) == 0;
  context.now = absl::FromUnixSeconds(1767323045);
  const Result<TokenResponse> result = ParseTokenResponse(response, context);
  if (result.ok()) {
    const absl::string_view token = result->access_token.Reveal();
    if (token.empty() || !IsVisibleAscii(token) || token.size() > kMaxTokenBytes) std::abort();
    if (result->expires_in < absl::Seconds(1) || result->expires_in > kMaxTokenLifetime)
      std::abort();
    if (result->refresh_in.has_value() && *result->refresh_in >= result->expires_in) std::abort();
    return 0;
  }
  const Error& error = result.error();
  if (error.code == absl::StatusCode::kOk || error.message.size() > 512) std::abort();
  if (!IsVisibleAscii(std::string(1, error.message.front()))) std::abort();
  if (error.retry_after.has_value() &&
      (*error.retry_after < absl::Seconds(1) || *error.retry_after > absl::Hours(1))) {
    std::abort();
  }
  if (error.authority != nullptr &&
      (error.authority->codes.size() > 8 ||
       error.authority->claims_challenge.size() > kMaxClaimsChallengeBytes)) {
    std::abort();
  }
  return 0;
}
