// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_FAULT_REPLY_H_
#define TOKENSVC_TESTS_AUTHORITY_FAULT_REPLY_H_

#include <map>
#include <optional>
#include <string>

#include "tests/authority/fault.h"
#include "tests/authority/http_message.h"
#include "tests/authority/oauth_error.h"

namespace tokensvc::devauth {

/// The answer that a fault gives in place of the endpoint's, if it does: reset, body of a size,
/// status and body, or the request itself.
std::optional<HttpReply> ReplyInstead(const Fault& fault, const HttpRequest& request);

/// The refusal that a fault gives in place of the token endpoint's answer, if it does: a preset, or
/// one that repeats the credential in the request.
std::optional<OAuthError> RefusalInstead(const Fault& fault, const HttpRequest& request,
                                         const std::map<std::string, std::string>& form);

/// What a fault does to an answer that was given: headers, merge patch, doubled token, RST on the
/// way. Bodies of refusals are left as they are.
void ApplyToReply(const Fault& fault, HttpReply& reply);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_FAULT_REPLY_H_
