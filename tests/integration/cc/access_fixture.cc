// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/cc/access_fixture.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "service/config/load_config.h"
#include "tests/service/jose/jwt_testing.h"

namespace tokensvc::testing {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

template <class Request>
Request RequestFor(const Wanted& wanted) {
  Request request;
  request.set_registration(wanted.registration);
  request.set_tenant(wanted.tenant);
  request.add_scopes(wanted.scope);
  request.set_force_refresh(wanted.forced);
  return request;
}

/// As the client that got an item would see it.
grpc::Status StatusOf(const v1::BatchAcquireForClientResponse& response) {
  if (response.results_size() != 1) return {grpc::StatusCode::INTERNAL, "not one result"};
  const v1::BatchResult& result = response.results(0);
  if (result.has_response()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(result.error().code()), result.error().message()};
}

}  // namespace

std::string RpcName(Rpc rpc) {
  switch (rpc) {
    case Rpc::kAcquire:
      return "AcquireForClient";
    case Rpc::kBatch:
      return "BatchAcquireForClient";
    case Rpc::kHeader:
      return "CreateAuthorizationHeader";
  }
  return "";
}

AccessFixture::AccessFixture() {
  clock_.JumpWall(absl::Now() - clock_.Now());
  for (const char* name : {"trusted", "strange"}) std::filesystem::create_directory(Path(name));
  trusted_ = *TestCertificates::Create(Path("trusted"));
  strange_ = *TestCertificates::Create(Path("strange"));
  WriteFile("clients.pem", ReadAll(trusted_->ca_file()));
  const CertificateFiles server = *trusted_->IssueServer("server");
  WriteFile("server.pem", ReadAll(server.certificate));
  WriteFile("server.key", ReadAll(server.private_key));
  WriteFile("issuer.json", JwkSetText({JwkOf(EcKey(), "ec"), JwkOf(RsaKey(), "rsa")}));
}

std::string AccessFixture::ConfigurationWithPolicy(const std::string& policy) const {
  const std::string tls =
      absl::StrCat("    tls: {certificate_file: \"", Path("server.pem"), "\", private_key_file: \"",
                   Path("server.key"), "\", client_ca_file: \"", Path("clients.pem"), "\"}\n");
  return absl::StrCat(
      "listeners:\n"
      "  - {name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: operator}\n"
      "  - name: mesh\n    address: \"127.0.0.1:0\"\n",
      tls,
      "    client_certificates: {}\n"
      "  - name: gateway\n    address: \"127.0.0.1:0\"\n",
      tls,
      "    jwt: {issuers: [main]}\n"
      "jwt_issuers:\n"
      "  - {name: main, issuer: \"",
      kIssuer, "\", audiences: [", kAudience, "], jwks_file: \"", Path("issuer.json"),
      "\"}\n"
      // The tests force far more than a workload would.
      "limits: {authority_budget: {forced_refreshes_per_minute: 6000}}\n"
      "metrics: {address: \"127.0.0.1:0\"}\n"
      "authorities:\n"
      "  - {name: dev, entra: {base_url: \"",
      authority_->base_url(),
      "\", instance_discovery: false}}\n"
      "registrations:\n",
      RegistrationNamed("orders"), RegistrationNamed("billing"), policy);
}

std::string AccessFixture::RegistrationNamed(const std::string& name) const {
  return absl::StrCat(
      "  - {name: ", name, ", authority: dev, client_id: orders-service, tenants: [\"", kTenant,
      "\", \"", kOtherTenant, "\"], default_tenant: \"", kTenant,
      "\", client_claims: allowed, credentials: [{secret: {value: \"file:", Path("secret"),
      "\"}}]}\n");
}

void AccessFixture::StartAuthority() {
  WriteFile("secret", kSecretCanary);
  DevAuthority::Options options;
  options.clients.push_back({"orders-service", {kSecretCanary}, {}, {"Orders.Read"}});
  ServiceFixture::StartAuthority(std::move(options));
}

void AccessFixture::StartWithRules(const std::string& rules) {
  StartAuthority();
  StartService(ConfigurationWithRules(rules));
}

void AccessFixture::SwapRules(const std::string& rules) {
  auto config = ParseConfig(ConfigurationWithRules(rules));
  ASSERT_TRUE(config.ok()) << FormatConfigErrors("test.yaml", config.error());
  ASSERT_TRUE(server_->Reload(*config).ok());
}

CertificateFiles AccessFixture::Certificate(TestCertificates& authority, const std::string& name,
                                            const std::string& alternative_names,
                                            Validity validity) {
  TestCertificates::Leaf leaf;
  leaf.name = name;
  leaf.server = false;
  leaf.validity = validity;
  leaf.subject_alternative_names = alternative_names;
  return *authority.Issue(leaf);
}

std::shared_ptr<grpc::Channel> AccessFixture::ConnectTo(const std::string& address,
                                                        const CertificateFiles* files) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadAll(trusted_->ca_file());
  if (files != nullptr) {
    options.pem_cert_chain = ReadAll(files->certificate);
    options.pem_private_key = ReadAll(files->private_key);
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

std::shared_ptr<grpc::Channel> AccessFixture::Connect(const std::string& listener,
                                                      const CertificateFiles* files) {
  for (const auto& [name, bound] : server_->Addresses()) {
    if (name == listener) return ConnectTo(bound, files);
  }
  ADD_FAILURE() << "no listener " << listener;
  return nullptr;
}

Peer AccessFixture::AtMesh(const std::string& name, const CertificateFiles* files) {
  return {name, Connect("mesh", files), std::nullopt};
}

Peer AccessFixture::Workload(const std::string& name) {
  const CertificateFiles files = Certificate(*trusted_, name, "URI:spiffe://prod.example/" + name);
  return AtMesh(name, &files);
}

Peer AccessFixture::AtGateway(const std::string& name, std::optional<std::string> jwt) {
  const CertificateFiles proxy = Certificate(*trusted_, "proxy", "DNS:proxy.internal");
  return {name, Connect("gateway", &proxy), std::move(jwt)};
}

Peer AccessFixture::Subject(const std::string& name) {
  return AtGateway(name, Signed(ClaimsOf(name)));
}

Json AccessFixture::ClaimsOf(const std::string& subject) const {
  const std::int64_t now = absl::ToUnixSeconds(clock_.Now());
  return {{"iss", kIssuer}, {"sub", subject},    {"aud", kAudience},
          {"iat", now},     {"exp", now + 3600}, {"nbf", now}};
}

std::string AccessFixture::Signed(const Json& claims) { return GoodToken(EcKey(), "ec", claims); }

grpc::Status AccessFixture::Ask(const Peer& peer, Rpc rpc, const Wanted& wanted) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  if (peer.jwt.has_value()) {
    context.AddMetadata("authorization", absl::StrCat("Bearer ", *peer.jwt));
  }
  const auto stub = v1::TokenService::NewStub(peer.channel);
  switch (rpc) {
    case Rpc::kAcquire: {
      v1::AcquireForClientResponse response;
      return stub->AcquireForClient(&context, RequestFor<v1::AcquireForClientRequest>(wanted),
                                    &response);
    }
    case Rpc::kBatch: {
      v1::BatchAcquireForClientRequest request;
      *request.add_requests() = RequestFor<v1::AcquireForClientRequest>(wanted);
      v1::BatchAcquireForClientResponse response;
      const grpc::Status status = stub->BatchAcquireForClient(&context, request, &response);
      return status.ok() ? StatusOf(response) : status;
    }
    case Rpc::kHeader: {
      auto request = RequestFor<v1::CreateAuthorizationHeaderRequest>(wanted);
      request.mutable_app();
      v1::CreateAuthorizationHeaderResponse response;
      return stub->CreateAuthorizationHeader(&context, request, &response);
    }
  }
  return {grpc::StatusCode::INTERNAL, "no such RPC"};
}

}  // namespace tokensvc::testing
