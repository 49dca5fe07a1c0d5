// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/managed_identity_endpoint.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/authority/encoding.h"
#include "tests/authority/fault_reply.h"
#include "tests/authority/form.h"
#include "tests/authority/json.h"
#include "tests/authority/jwt.h"

namespace tokensvc::devauth {
namespace {

using Shape = ManagedIdentityEndpoint::Shape;

constexpr char kMetadataPath[] = "/metadata/identity/oauth2/token";
constexpr char kAppServicePath[] = "/msi/token";

std::string ApiVersion(Shape shape) {
  if (shape == Shape::kImds) return "2018-02-01";
  return shape == Shape::kAppService ? "2019-08-01" : "2019-11-01";
}

std::string PathOf(Shape shape) {
  return shape == Shape::kAppService ? kAppServicePath : kMetadataPath;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ManagedIdentityEndpoint>> ManagedIdentityEndpoint::Start(
    Options options, SigningKey key) {
  std::unique_ptr<ManagedIdentityEndpoint> endpoint(
      new ManagedIdentityEndpoint(std::move(options), std::move(key)));
  auto server = HttpServer::Bind({});
  if (!server.ok()) return server.status();
  endpoint->server_ = *std::move(server);
  endpoint->server_->Serve(
      [self = endpoint.get()](const HttpRequest& request) { return self->Answer(request); });
  return endpoint;
}

ManagedIdentityEndpoint::~ManagedIdentityEndpoint() {
  waiter_.Stop();
  server_.reset();
}

std::string ManagedIdentityEndpoint::url() const {
  return absl::StrCat("http://127.0.0.1:", server_->port(), PathOf(options_.shape));
}

void ManagedIdentityEndpoint::ClearFaults() {
  faults_.Clear();
  waiter_.Release();
}

HttpReply ManagedIdentityEndpoint::Answer(const HttpRequest& request) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++requests_;
    last_query_ = request.query;
  }
  const std::optional<Fault> fault = faults_.Take(Endpoint::kToken, "", "");
  if (!fault) return Checked(request);
  if (fault->latency > absl::ZeroDuration()) waiter_.Wait(fault->latency, request.client_gone);
  if (fault->hang) waiter_.Wait(absl::Seconds(60), request.client_gone);
  if (std::optional<HttpReply> instead = ReplyInstead(*fault, request)) return *std::move(instead);
  HttpReply reply = Checked(request);
  ApplyToReply(*fault, reply);
  return reply;
}

HttpReply ManagedIdentityEndpoint::Malformed(int status, const std::string& error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++malformed_;
  HttpReply reply;
  reply.status = status;
  reply.body = options_.shape == Shape::kAppService
                   ? DumpJson({{"statusCode", status}, {"message", error}})
                   : DumpJson({{"error", "invalid_request"}, {"error_description", error}});
  return reply;
}

HttpReply ManagedIdentityEndpoint::Checked(const HttpRequest& request) {
  const Shape shape = options_.shape;
  if (request.method != "GET") return Malformed(405, "Method not allowed");
  if (request.path != PathOf(shape)) return Malformed(404, "No such path");
  if (request.repeated_header || !request.body.empty()) return Malformed(400, "Bad request");
  // A proxy passed it on: not from this machine.
  if (request.headers.contains("x-forwarded-for")) return Malformed(400, "Bad request");
  if (shape == Shape::kAppService) {
    if (!ConstantTimeEquals(request.Header("x-identity-header"), options_.identity_header)) {
      return Malformed(401, "Unauthorized");
    }
  } else if (request.Header("metadata") != "true") {
    return Malformed(400, "Required metadata header not specified");
  }
  absl::StatusOr<Form> query = ParseQuery(request.query);
  if (!query.ok()) return Malformed(400, "Bad query");
  if ((*query)["api-version"] != ApiVersion(shape)) return Malformed(400, "Invalid api-version");
  const std::string resource = (*query)["resource"];
  if (resource.empty()) return Malformed(400, "No resource");

  const std::string by_resource_id = shape == Shape::kAppService ? "mi_res_id" : "msi_res_id";
  for (const auto& [name, value] : *query) {
    const bool selector = name == "client_id" || name == "object_id" || name == by_resource_id;
    const bool known = name == "api-version" || name == "resource" ||
                       (selector && shape != Shape::kAzureArc && query->size() == 3);
    if (!known) return Malformed(400, "Unknown parameter");
  }
  const auto fits = [&](const Identity& i) {
    const std::string& client_id = (*query)["client_id"];
    const std::string& object_id = (*query)["object_id"];
    const std::string& resource_id = (*query)[by_resource_id];
    if (!client_id.empty()) return i.client_id == client_id;
    if (!object_id.empty()) return i.object_id == object_id;
    if (!resource_id.empty()) return i.resource_id == resource_id;
    return i.client_id.empty() && i.object_id.empty() && i.resource_id.empty();
  };
  const auto identity = std::find_if(options_.identities.begin(), options_.identities.end(), fits);
  if (identity == options_.identities.end()) return Malformed(400, "Identity not found");
  if (shape == Shape::kAzureArc) {
    const std::string authorization = request.Header("authorization");
    if (authorization.empty()) return Challenge();
    if (!ProvesArcKey(authorization)) return Malformed(401, "Unauthorized");
  }
  return Token(*identity, resource);
}

HttpReply ManagedIdentityEndpoint::Challenge() {
  const std::string path = absl::StrCat(options_.key_directory, "/", RandomUuid(), ".key");
  const std::string content = absl::StrCat("arc-key-", RandomUuid());
  std::ofstream(path, std::ios::binary) << content;
  const std::lock_guard<std::mutex> lock(mutex_);
  all_keys_.push_back(content);
  open_keys_.push_back(content);
  HttpReply reply;
  reply.status = 401;
  reply.headers["WWW-Authenticate"] = absl::StrCat("Basic realm=", path);
  return reply;
}

bool ManagedIdentityEndpoint::ProvesArcKey(const std::string& authorization) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto key = std::find_if(open_keys_.begin(), open_keys_.end(), [&](const std::string& each) {
    return authorization == absl::StrCat("Basic ", each);
  });
  if (key == open_keys_.end()) return false;
  open_keys_.erase(key);
  return true;
}

HttpReply ManagedIdentityEndpoint::Token(const Identity& identity, const std::string& resource) {
  const absl::Time now = Now();
  const absl::Time end = now + options_.lifetime;
  const std::string token = SignJwt(key_, {{"iss", options_.issuer},
                                           {"sub", identity.subject},
                                           {"aud", resource},
                                           {"jti", RandomUuid()},
                                           {"iat", absl::ToUnixSeconds(now)},
                                           {"nbf", absl::ToUnixSeconds(now)},
                                           {"exp", absl::ToUnixSeconds(end)}});
  // Numbers as text, as the platform writes them.
  Json answer = {{"access_token", token},
                 {"expires_on", absl::StrCat(absl::ToUnixSeconds(end))},
                 {"not_before", absl::StrCat(absl::ToUnixSeconds(now))},
                 {"resource", resource},
                 {"token_type", "Bearer"}};
  if (options_.shape == Shape::kAppService) {
    answer["client_id"] = identity.client_id;
    if (options_.date_in_words) {
      answer["expires_on"] = absl::FormatTime("%m/%d/%Y %H:%M:%S +00:00", end, absl::UTCTimeZone());
    }
  } else {
    answer["expires_in"] = absl::StrCat(absl::ToInt64Seconds(options_.lifetime));
    answer["ext_expires_in"] = answer["expires_in"];
    answer["refresh_token"] = "";
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  ++tokens_;
  last_token_ = token;
  HttpReply reply;
  reply.body = DumpJson(answer);
  return reply;
}

int ManagedIdentityEndpoint::requests() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

int ManagedIdentityEndpoint::malformed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return malformed_;
}

int ManagedIdentityEndpoint::tokens() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return tokens_;
}

std::string ManagedIdentityEndpoint::last_token() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_token_;
}

std::string ManagedIdentityEndpoint::last_query() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_query_;
}

std::vector<std::string> ManagedIdentityEndpoint::keys() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return all_keys_;
}

}  // namespace tokensvc::devauth
