// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/fault_reply.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/authority/encoding.h"
#include "tests/authority/json.h"

namespace tokensvc::devauth {

std::optional<HttpReply> ReplyInstead(const Fault& fault, const HttpRequest& request) {
  HttpReply reply;
  reply.content_type = fault.content_type;
  reply.headers = fault.headers;
  reply.status = fault.status.value_or(200);
  reply.body = fault.body.value_or("");
  reply.generated_bytes = fault.body_bytes;
  reply.reset_after_bytes = fault.reset_after_bytes;
  if (fault.reset) {
    reply.reset_after_bytes = 0;
    return reply;
  }
  if (fault.echo_request) {
    for (const auto& [name, value] : request.headers) {
      absl::StrAppend(&reply.body, name, ": ", value, "\r\n");
    }
    absl::StrAppend(&reply.body, "\r\n", request.body);
    reply.headers["X-Request-Body"] = request.body;
    return reply;
  }
  if (fault.status || fault.body || fault.body_bytes) return reply;
  return std::nullopt;
}

std::optional<OAuthError> RefusalInstead(const Fault& fault, const HttpRequest& request,
                                         const std::map<std::string, std::string>& form) {
  if (fault.echo_credentials) {
    std::vector<std::string> seen;
    for (const char* name : {"client_secret", "client_assertion"}) {
      const auto it = form.find(name);
      if (it != form.end()) seen.push_back(it->second);
    }
    const std::string authorization = request.Header("authorization");
    if (!authorization.empty()) {
      seen.push_back(authorization);
      // The header as it came, and the pair inside.
      const size_t space = authorization.find(' ');
      if (space != std::string::npos) {
        seen.push_back(Base64Decode(authorization.substr(space + 1)).value_or(""));
      }
    }
    OAuthError refusal = EntraError(fault.error_code == 0 ? 7000215 : fault.error_code);
    refusal.error = absl::StrJoin(seen, " ");
    refusal.message = absl::StrCat("The credential '", refusal.error, "' is refused.");
    refusal.suberror = refusal.error;
    return refusal;
  }
  if (fault.error_code == 0 && fault.error.empty()) return std::nullopt;
  OAuthError refusal = EntraError(fault.error_code);
  if (!fault.error.empty()) refusal.error = fault.error;
  if (!fault.suberror.empty()) refusal.suberror = fault.suberror;
  refusal.claims = fault.claims;
  return refusal;
}

void ApplyToReply(const Fault& fault, HttpReply& reply) {
  for (const auto& [name, value] : fault.headers) reply.headers[name] = value;
  if (fault.reset_after_bytes) reply.reset_after_bytes = fault.reset_after_bytes;
  if (reply.status != 200) return;
  std::optional<Json> body = ParseStrictJson(reply.body);
  if (!body || !body->is_object()) return;
  if (!fault.foreign_issuer.empty() && body->contains("issuer")) {
    (*body)["issuer"] = fault.foreign_issuer;
  }
  if (fault.response_patch.is_object()) body->merge_patch(fault.response_patch);
  reply.body = DumpJson(*body);
  if (fault.duplicate_access_token && body->contains("access_token")) {
    reply.body.pop_back();
    reply.body += ",\"access_token\":\"another-token\"}";
  }
}

}  // namespace tokensvc::devauth
