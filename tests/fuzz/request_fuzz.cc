// SPDX-License-Identifier: Apache-2.0
// What a caller asks for: one field a line, in the order in which they are taken below. What is let
// through must be fit for a URL, a log line and a cache key.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "service/authority/grammar.h"
#include "service/source/app_token_request.h"
#include "service/source/cache_key.h"

namespace tokensvc {
namespace {

std::shared_ptr<const Registration> MakeRegistration(AuthorityKind kind) {
  auto authority = std::make_shared<Authority>();
  authority->kind = kind;
  auto registration = std::make_shared<Registration>();
  registration->name = "fuzz";
  registration->authority = authority;
  registration->client_id = "client";
  registration->any_tenant = true;
  registration->extra_parameters = {"dc"};
  registration->client_claims_allowed = true;
  return registration;
}

void Require(bool holds) {
  if (!holds) std::abort();
}

void Check(AuthorityKind kind, const std::vector<absl::string_view>& lines) {
  const auto line = [&lines](std::size_t i) { return i < lines.size() ? lines[i] : ""; };
  AppTokenParams params;
  params.tenant = line(0);
  params.resource = line(1);
  params.audience = line(2);
  params.claims_challenge = line(3);
  params.client_claims = line(4);
  params.correlation_id = line(5);
  if (!line(6).empty()) params.extra_parameters.emplace_back("dc", line(6));
  for (std::size_t i = 7; i < lines.size(); ++i) params.scopes.push_back(lines[i]);

  const Result<AppTokenRequest> request = MakeAppTokenRequest(MakeRegistration(kind), params);
  if (!request.ok()) {
    std::size_t bytes = request.error().message.size();
    for (const FieldViolation& violation : request.error().violations) {
      bytes += violation.field.size() + violation.description.size();
    }
    Require(bytes > 0 && bytes < 4096);
    return;
  }
  Require(request->tenant.find_first_of("/\\?#%@: ") == std::string::npos);
  Require(IsVisibleAscii(request->tenant) && request->tenant.size() <= 253);
  Require(!request->scopes.empty() && !request->correlation_id.empty());
  Require(IsVisibleAscii(request->correlation_id) && request->correlation_id.size() <= 64);
  Require(IsVisibleAscii(request->resource) && IsVisibleAscii(request->audience));

  // Canonical is canonical: what was let through is let through again, and means the same token.
  AppTokenParams again = params;
  again.tenant = request->tenant;
  again.client_claims = request->client_claims;
  const Result<AppTokenRequest> same = MakeAppTokenRequest(request->registration, again);
  // A number may be spelt longer than it was, past the bound.
  if (!same.ok()) return Require(request->client_claims.size() > params.client_claims.size());
  Require(AppTokenCacheKey("k", *same) == AppTokenCacheKey("k", *request));
}

}  // namespace
}  // namespace tokensvc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tokensvc;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  Check(AuthorityKind::kEntra, lines);
  Check(AuthorityKind::kOidc, lines);
  Check(AuthorityKind::kAdfs, lines);
  Check(AuthorityKind::kB2c, lines);
  return 0;
}
