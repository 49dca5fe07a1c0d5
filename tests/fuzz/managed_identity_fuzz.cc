// SPDX-License-Identifier: Apache-2.0
// What a platform's endpoint answers. First byte: which source and status; then a first line as
// `WWW-Authenticate` and `Retry-After`; then the body.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "service/authority/grammar.h"
#include "service/authority/token_fields.h"
#include "service/credential/arc_challenge.h"
#include "service/credential/managed_identity.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tokensvc;
  static constexpr int kStatuses[] = {200, 400, 401, 404, 429, 503};
  static constexpr ManagedIdentitySource kSources[] = {ManagedIdentitySource::kImds,
                                                       ManagedIdentitySource::kAppService,
                                                       ManagedIdentitySource::kAzureArc};
  if (size == 0) return 0;
  HttpResponse response;
  response.status = kStatuses[data[0] % 6];
  std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t line = rest.find('\n');
  if (line != std::string::npos) {
    const std::string header = rest.substr(0, line);
    response.headers.emplace_back("retry-after", header);
    rest.erase(0, line + 1);
    const auto name = ReadArcChallenge(header, "/keys");
    if (name.ok() && (absl::StrContains(*name, '/') || absl::StartsWith(*name, ".") ||
                      !absl::EndsWith(*name, ".key"))) {
      std::abort();
    }
  }
  response.body = Secret(std::move(rest));
  const Result<ManagedIdentityToken> token = ParseManagedIdentityAnswer(
      kSources[data[0] / 6 % 3], response, absl::FromUnixSeconds(1767323045));
  if (token.ok()) {
    const absl::string_view text = token->token.Reveal();
    if (text.empty() || !IsVisibleAscii(text) || text.size() > kMaxTokenBytes) std::abort();
    if (token->expires_in < absl::Seconds(1) || token->expires_in > kMaxTokenLifetime) std::abort();
    return 0;
  }
  const Error& error = token.error();
  if (error.code == absl::StatusCode::kOk || error.message.size() > 512) std::abort();
  if (error.retry_after.has_value() &&
      (*error.retry_after < absl::Seconds(1) || *error.retry_after > absl::Hours(1))) {
    std::abort();
  }
  return 0;
}
