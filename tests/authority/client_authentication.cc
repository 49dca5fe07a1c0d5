// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/client_authentication.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/authority/client_assertion.h"
#include "tests/authority/encoding.h"

namespace tokensvc::devauth {
namespace {

constexpr char kJwtBearer[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

using Result = std::variant<std::shared_ptr<const RegisteredClient>, OAuthError>;

std::string Value(const Form& form, const char* name) {
  const auto it = form.find(name);
  return it == form.end() ? "" : it->second;
}

struct BasicCredential {
  std::string id;
  std::string secret;
};

std::optional<BasicCredential> ParseBasic(absl::string_view authorization) {
  if (!absl::StartsWithIgnoreCase(authorization, "Basic ")) return std::nullopt;
  const std::optional<std::string> pair = Base64Decode(authorization.substr(6));
  if (!pair) return std::nullopt;
  const size_t colon = pair->find(':');
  if (colon == std::string::npos) return std::nullopt;
  const absl::StatusOr<std::string> id = FormDecode(absl::string_view(*pair).substr(0, colon));
  const absl::StatusOr<std::string> secret = FormDecode(absl::string_view(*pair).substr(colon + 1));
  if (!id.ok() || !secret.ok() || id->empty()) return std::nullopt;
  return BasicCredential{*id, *secret};
}

std::string AssertedClientId(const Form& form) {
  const std::optional<ParsedJwt> jwt = ParseJwt(Value(form, "client_assertion"));
  return jwt ? StringMember(jwt->claims, "sub").value_or("") : "";
}

OAuthError UnknownClient(absl::string_view id) {
  return EntraError(700016, absl::StrCat("Application with identifier '", id.substr(0, 100),
                                         "' was not found in the directory."));
}

Result CheckSecret(const ClientRegistry& registry, const std::string& id,
                   const std::string& secret) {
  std::shared_ptr<const RegisteredClient> client = registry.Find(id);
  if (client == nullptr) return UnknownClient(id);
  bool good = false;
  for (const std::string& known : client->client.secrets) {
    good |= ConstantTimeEquals(known, secret);
  }
  if (!good) return EntraError(7000215);
  return client;
}

Result CheckAssertion(const PresentedClient& presented, const ClientRegistry& registry,
                      absl::Time now, ReplayCache& replays) {
  const std::string type = Value(presented.form, "client_assertion_type");
  const std::string text = Value(presented.form, "client_assertion");
  if (type.empty() || text.empty()) {
    return EntraError(90014, "'client_assertion' and 'client_assertion_type' go together.");
  }
  if (type != kJwtBearer) {
    return EntraError(50027, "The client assertion type is not supported.");
  }
  const std::optional<ParsedJwt> jwt = ParseJwt(text);
  if (!jwt) return EntraError(50027);
  std::string id = Value(presented.form, "client_id");
  if (id.empty()) id = StringMember(jwt->claims, "sub").value_or("");
  std::shared_ptr<const RegisteredClient> client = registry.Find(id);
  if (client == nullptr) return UnknownClient(id);
  if (!client->federated.empty() && StringMember(jwt->claims, "iss") != id) {
    if (std::optional<OAuthError> refusal = VerifyFederatedAssertion(*jwt, *client, now)) {
      return *std::move(refusal);
    }
    return client;
  }
  if (std::optional<OAuthError> refusal =
          VerifyClientAssertion(*jwt, *client, presented.token_endpoint, now, replays)) {
    return *std::move(refusal);
  }
  return client;
}

}  // namespace

std::string ClaimedClientId(const Form& form, absl::string_view authorization) {
  std::string id = Value(form, "client_id");
  if (!id.empty()) return id;
  if (const std::optional<BasicCredential> basic = ParseBasic(authorization)) return basic->id;
  return AssertedClientId(form);
}

Result AuthenticateClient(const PresentedClient& presented, const ClientRegistry& registry,
                          absl::Time now, ReplayCache& replays) {
  const Form& form = presented.form;
  const bool basic = !presented.authorization.empty();
  const bool post = form.count("client_secret") != 0;
  const bool assertion =
      form.count("client_assertion") != 0 || form.count("client_assertion_type") != 0;
  if (basic + post + assertion > 1) {
    OAuthError refusal =
        EntraError(90014, "Exactly one client authentication method is allowed (RFC 6749 2.3).");
    return refusal;
  }
  const std::string body_id = Value(form, "client_id");
  if (basic) {
    const std::optional<BasicCredential> credential = ParseBasic(presented.authorization);
    if (!credential) {
      return EntraError(7000218, "The Authorization header is not a well-formed Basic credential.");
    }
    if (!body_id.empty() && body_id != credential->id) {
      return EntraError(90014, "'client_id' differs from the one in the Authorization header.");
    }
    return CheckSecret(registry, credential->id, credential->secret);
  }
  if (assertion) return CheckAssertion(presented, registry, now, replays);
  if (body_id.empty()) {
    return EntraError(900144,
                      "The request body must contain the following parameter: "
                      "'client_id'.");
  }
  if (!post) {
    if (registry.Find(body_id) == nullptr) return UnknownClient(body_id);
    return EntraError(7000218);
  }
  return CheckSecret(registry, body_id, Value(form, "client_secret"));
}

}  // namespace tokensvc::devauth
