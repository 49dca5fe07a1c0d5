// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/dev_authority.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/authority/client_authentication.h"
#include "tests/authority/control.h"
#include "tests/authority/documents.h"
#include "tests/authority/fault_reply.h"
#include "tests/authority/http_server.h"
#include "tests/authority/token_endpoint.h"
#include "tests/authority/token_issuer.h"
#include "tests/authority/waiter.h"

namespace tokensvc {

using devauth::Form;
using devauth::HttpReply;
using devauth::HttpRequest;
using devauth::Json;
using devauth::OAuthError;
using devauth::Shape;

namespace {

// A hanging answer gives up after this, so that no test hangs for good.
constexpr absl::Duration kMaxHang = absl::Seconds(60);

// What a path is, before anything else of the request is looked at.
struct Route {
  DevAuthority::Endpoint endpoint = DevAuthority::Endpoint::kToken;
  Shape shape = Shape::kEntra;
  std::string tenant;
  std::string policy;
};

std::optional<Route> FindRoute(const std::string& path) {
  using Endpoint = DevAuthority::Endpoint;
  if (path == "/common/discovery/instance") {
    return Route{Endpoint::kInstance, Shape::kEntra, "", ""};
  }
  if (path == "/adfs/oauth2/token") return Route{Endpoint::kToken, Shape::kAdfs, "adfs", ""};
  if (path == "/oidc/token") return Route{Endpoint::kToken, Shape::kOidc, "oidc", ""};
  if (path == "/oidc/jwks") return Route{Endpoint::kJwks, Shape::kOidc, "oidc", ""};
  if (path == "/oidc/.well-known/openid-configuration") {
    return Route{Endpoint::kDiscovery, Shape::kOidc, "oidc", ""};
  }
  const size_t slash = path.find('/', 1);
  if (slash == std::string::npos || slash == 1) return std::nullopt;
  Route route;
  route.tenant = path.substr(1, slash - 1);
  const std::string rest = path.substr(slash);
  if (rest == "/oauth2/v2.0/token") return route;
  const size_t policy_end = rest.find('/', 1);
  if (policy_end != std::string::npos && policy_end > 1 &&
      rest.substr(policy_end) == "/oauth2/v2.0/token") {
    route.shape = Shape::kB2c;
    route.policy = rest.substr(1, policy_end - 1);
    return route;
  }
  route.endpoint = Endpoint::kDiscovery;
  if (rest == "/v2.0/.well-known/openid-configuration") return route;
  route.endpoint = Endpoint::kJwks;
  if (rest == "/discovery/v2.0/keys") return route;
  return std::nullopt;
}

HttpReply NotFound() {
  HttpReply reply;
  reply.status = 404;
  reply.body = "{\"error\":\"not_found\"}";
  return reply;
}

}  // namespace

class DevAuthority::Impl {
 public:
  Impl(Options options, devauth::SigningKey key)
      : options_(std::move(options)),
        issuer_(std::move(key),
                {options_.token_lifetime_seconds, options_.refresh_in_seconds, options_.now}),
        tokens_(registry_, issuer_, options_.tenants, options_.resources),
        throttle_(options_.throttle) {}

  ~Impl() {
    waiter_.Stop();
    server_.reset();
  }

  absl::Status Start() {
    for (const Client& client : options_.clients) {
      if (absl::Status status = registry_.Put(client); !status.ok()) return status;
    }
    absl::StatusOr<std::unique_ptr<devauth::HttpServer>> server =
        devauth::HttpServer::Bind({options_.address, options_.port, options_.tls_certificate_file,
                                   options_.tls_private_key_file, options_.max_request_body_bytes});
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    const bool tls = !options_.tls_certificate_file.empty();
    scheme_ = tls ? "https://" : "http://";
    own_hosts_ = {absl::StrCat("127.0.0.1:", server_->port()),
                  absl::StrCat("localhost:", server_->port())};
    base_url_ = absl::StrCat(scheme_, own_hosts_.front());
    if (!options_.public_url.empty()) {
      base_url_ = options_.public_url;
      own_hosts_.insert(own_hosts_.begin(), base_url_.substr(base_url_.find("://") + 3));
    }
    own_hosts_.insert(own_hosts_.end(), options_.instance_aliases.begin(),
                      options_.instance_aliases.end());
    server_->Serve([this](const HttpRequest& request) { return Handle(request); });
    return absl::OkStatus();
  }

  Counters counters() const {
    Counters values = counters_.values();
    const devauth::HttpServer::ConnectionCounts connections = server_->connections();
    values.issued_tokens = issuer_.issued();
    values.open_connections = connections.open;
    values.peak_connections = connections.peak;
    values.accepted_connections = connections.accepted;
    return values;
  }

  void ResetCounters() {
    counters_.Reset();
    server_->ResetConnectionCounts();
  }

  void ClearFaults() {
    faults_.Clear();
    waiter_.Release();
  }

  HttpReply Handle(const HttpRequest& request) {
    if (options_.control_interface && absl::StartsWith(request.path, "/_control/")) {
      return devauth::HandleControl(
          request,
          {[this] { return counters(); }, [this] { return counters_.last_form(); },
           [this](Fault fault) { faults_.Add(std::move(fault)); }, [this] { ClearFaults(); },
           [this] {
             ClearFaults();
             ResetCounters();
           }});
    }
    const std::optional<Route> route = FindRoute(request.path);
    if (!route) return NotFound();
    counters_.CountRequest(route->endpoint);
    return route->endpoint == Endpoint::kToken ? HandleToken(request, *route)
                                               : HandleDocument(request, *route);
  }

  const Options options_;
  std::string scheme_;
  std::string base_url_;
  std::vector<std::string> own_hosts_;
  devauth::ClientRegistry registry_;
  devauth::TokenIssuer issuer_;
  devauth::TokenEndpoint tokens_;
  devauth::ThrottleGate throttle_;
  devauth::Counters counters_;
  devauth::FaultSet faults_;
  devauth::Waiter waiter_;
  std::unique_ptr<devauth::HttpServer> server_;  // last: its handlers use everything above

 private:
  // Scheme and host as the client wrote them, where the host is one of ours.
  std::string BaseAsUsed(const HttpRequest& request) const {
    const std::string host = request.Header("host");
    // The public URL's scheme may be a proxy's rather than ours.
    if (host == own_hosts_.front()) return base_url_;
    const bool ours = std::find(own_hosts_.begin(), own_hosts_.end(), host) != own_hosts_.end();
    return ours ? absl::StrCat(scheme_, host) : base_url_;
  }

  // The waiting part of a fault. What is left of it then answers.
  void Wait(const Fault& fault, const HttpRequest& request) {
    if (fault.latency > absl::ZeroDuration()) waiter_.Wait(fault.latency, request.client_gone);
    if (fault.hang) waiter_.Wait(kMaxHang, request.client_gone);
  }

  HttpReply HandleToken(const HttpRequest& request, const Route& route) {
    const absl::StatusOr<Form> parsed = devauth::ParseForm(request.body);
    const Form form = parsed.ok() ? *parsed : Form();
    const std::string client_id = devauth::ClaimedClientId(form, request.Header("authorization"));
    counters_.EnterToken();
    counters_.CountToken(route.tenant, client_id, form, request.headers);
    const std::optional<Fault> fault = faults_.Take(route.endpoint, route.tenant, client_id);
    if (fault) Wait(*fault, request);
    const bool admitted = throttle_.Admit(route.tenant, client_id, issuer_.now());
    if (!admitted) counters_.CountReply("(throttled)");
    HttpReply reply = admitted ? AnswerToken(request, route, parsed, fault) : throttle_.Refusal();
    counters_.LeaveToken();
    return reply;
  }

  HttpReply AnswerToken(const HttpRequest& request, const Route& route,
                        const absl::StatusOr<Form>& form, const std::optional<Fault>& fault) {
    if (fault) {
      if (std::optional<HttpReply> instead = devauth::ReplyInstead(*fault, request))
        return *instead;
    }
    std::optional<OAuthError> refusal;
    if (fault) refusal = devauth::RefusalInstead(*fault, request, form.ok() ? *form : Form());
    const std::string base = BaseAsUsed(request);
    const std::variant<Json, OAuthError> result =
        refusal ? std::variant<Json, OAuthError>(*std::move(refusal))
                : tokens_.Handle(
                      request, {route.shape, route.tenant, route.policy, base, base + request.path},
                      form, fault);
    const OAuthError* error = std::get_if<OAuthError>(&result);
    // A repeated credential must not become a counter's name.
    const bool echo = fault && fault->echo_credentials;
    counters_.CountReply(echo ? "(echo)" : error == nullptr ? "" : error->error);
    HttpReply reply = devauth::RenderTokenReply(result, request, route.shape, issuer_.now());
    if (fault) devauth::ApplyToReply(*fault, reply);
    return reply;
  }

  HttpReply HandleDocument(const HttpRequest& request, const Route& route) {
    const std::optional<Fault> fault = faults_.Take(route.endpoint, route.tenant, "");
    if (fault) {
      Wait(*fault, request);
      if (std::optional<HttpReply> instead = devauth::ReplyInstead(*fault, request))
        return *instead;
      if (std::optional<OAuthError> refusal = devauth::RefusalInstead(*fault, request, {})) {
        return devauth::RenderTokenReply(*refusal, request, route.shape, issuer_.now());
      }
    }
    HttpReply reply =
        devauth::RenderTokenReply(Document(request, route), request, route.shape, issuer_.now());
    reply.headers["Cache-Control"] = "max-age=86400, private";
    reply.headers.erase("Pragma");
    if (fault) devauth::ApplyToReply(*fault, reply);
    return reply;
  }

  std::variant<Json, OAuthError> Document(const HttpRequest& request, const Route& route) const {
    if (request.method != "GET" && request.method != "HEAD") {
      OAuthError refusal = devauth::EntraError(900561, "The endpoint only accepts GET requests.");
      refusal.http_status = 404;
      return refusal;
    }
    const std::string base = BaseAsUsed(request);
    if (route.endpoint == Endpoint::kJwks) return devauth::KeySet(issuer_.key());
    if (route.endpoint == Endpoint::kInstance) {
      const absl::StatusOr<Form> query = devauth::ParseQuery(request.query);
      return devauth::InstanceDiscovery(base, query.ok() ? *query : Form(), own_hosts_);
    }
    if (route.shape == Shape::kOidc) return devauth::OidcDiscovery(base);
    return devauth::EntraDiscovery(base, route.tenant, options_.tenants);
  }
};

absl::StatusOr<std::unique_ptr<DevAuthority>> DevAuthority::Start(Options options) {
  absl::StatusOr<devauth::SigningKey> key =
      options.signing_key_pem.empty() ? devauth::SigningKey::Generate()
                                      : devauth::SigningKey::FromPem(options.signing_key_pem);
  if (!key.ok()) return key.status();
  if (!options.public_url.empty() &&
      (!absl::StrContains(options.public_url, "://") || absl::EndsWith(options.public_url, "/"))) {
    return absl::InvalidArgumentError("the public URL is not scheme://host without a final slash");
  }
  auto impl = std::make_unique<Impl>(std::move(options), *std::move(key));
  if (absl::Status status = impl->Start(); !status.ok()) return status;
  return std::unique_ptr<DevAuthority>(new DevAuthority(std::move(impl)));
}

DevAuthority::DevAuthority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DevAuthority::~DevAuthority() = default;

const std::string& DevAuthority::base_url() const { return impl_->base_url_; }
int DevAuthority::port() const { return impl_->server_->port(); }
std::string DevAuthority::token_endpoint(absl::string_view tenant) const {
  return absl::StrCat(base_url(), "/", tenant, "/oauth2/v2.0/token");
}
std::string DevAuthority::oidc_issuer() const { return absl::StrCat(base_url(), "/oidc"); }

absl::Status DevAuthority::PutClient(Client client) {
  return impl_->registry_.Put(std::move(client));
}

void DevAuthority::AddFault(Fault fault) { impl_->faults_.Add(std::move(fault)); }
void DevAuthority::ClearFaults() { impl_->ClearFaults(); }

DevAuthority::Counters DevAuthority::counters() const { return impl_->counters(); }
void DevAuthority::ResetCounters() { impl_->ResetCounters(); }
int64_t DevAuthority::issued_tokens() const { return impl_->issuer_.issued(); }
std::map<std::string, std::string> DevAuthority::last_form() const {
  return impl_->counters_.last_form();
}
std::map<std::string, std::string> DevAuthority::last_headers() const {
  return impl_->counters_.last_headers();
}

}  // namespace tokensvc
