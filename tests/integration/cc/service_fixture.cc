// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/cc/service_fixture.h"

#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/rpc/status.pb.h"
#include "service/config/load_config.h"

namespace tokensvc::testing {

using ::testing::HasSubstr;
using ::testing::Not;

namespace {

/// One signing key for all authorities of the process: making one takes longer than most tests.
const std::string& SigningKey() {
  static const auto& pem = *new std::string([] {
    EVP_PKEY* const key = EVP_RSA_gen(2048);
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string out(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    EVP_PKEY_free(key);
    return out;
  }());
  return pem;
}

}  // namespace

ReadStatus Read(const grpc::Status& status) {
  ReadStatus read;
  read.code = status.error_code();
  read.message = status.error_message();
  read.detail_bytes = status.error_details().size();
  read.everything = status.error_message() + status.error_details();
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  for (const google::protobuf::Any& any : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (any.UnpackTo(&info)) {
      EXPECT_EQ(info.domain(), "tokensvc");
      read.reason = info.reason();
      read.correlation_id = info.metadata().at("correlation_id");
    } else if (any.UnpackTo(&retry)) {
      read.retry_after = absl::Seconds(retry.retry_delay().seconds()) +
                         absl::Nanoseconds(retry.retry_delay().nanos());
    } else if (!any.UnpackTo(&read.bad_request)) {
      EXPECT_TRUE(any.UnpackTo(&read.authority)) << any.type_url();
    }
  }
  return read;
}

ServiceFixture::ServiceFixture() {
  dir_ = (std::filesystem::temp_directory_path() / "tokensvc-test-XXXXXX").string();
  EXPECT_NE(mkdtemp(dir_.data()), nullptr);
}

ServiceFixture::~ServiceFixture() {
  stub_.reset();
  channel_.reset();
  server_.reset();
  authority_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

std::string ServiceFixture::WriteFile(const std::string& name, const std::string& text) const {
  // Replaced as an operator's tools do it: whole, by a rename.
  const std::string path = Path(name);
  std::ofstream(path + ".new", std::ios::binary) << text;
  chmod((path + ".new").c_str(), 0600);
  std::filesystem::rename(path + ".new", path);
  return path;
}

std::string ServiceFixture::Configuration(const std::string& more) const {
  return absl::StrCat(
      "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests, "
      "reflection: true}]\n"
      "policy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], "
      "grants: [\"*\"], "
      "scopes: [\"*\"], client_claims: allowed}]}\n"

      "metrics: {address: \"127.0.0.1:0\"}\n"
      "authorities:\n"
      "  - {name: dev, entra: {base_url: \"",
      authority_->base_url(),
      "\", instance_discovery: false}, request_timeout: 5s}\n"
      "registrations:\n"
      "  - name: orders\n"
      "    authority: dev\n"
      "    client_id: orders-service\n"
      "    tenants: [\"",
      kTenant,
      "\", contoso.example]\n"
      "    default_tenant: \"",
      kTenant,
      "\"\n"
      "    credentials: [{secret: {value: \"file:",
      Path("secret"),
      "\"}}]\n"
      "    client_capabilities: [cp1]\n"
      "    extra_parameters: [dc]\n"
      "    client_claims: allowed\n",
      more);
}

void ServiceFixture::Start(DevAuthority::Options options, const std::string& more) {
  WriteFile("secret", kSecretCanary);
  options.clients.push_back({"orders-service", {kSecretCanary}, {}, {"Orders.Read"}});
  StartAuthority(std::move(options));
  StartService(Configuration(more));
}

void ServiceFixture::StartAuthority(DevAuthority::Options options) {
  options.signing_key_pem = SigningKey();
  auto authority = DevAuthority::Start(std::move(options));
  ASSERT_TRUE(authority.ok()) << authority.status();
  authority_ = *std::move(authority);
}

void ServiceFixture::StartService(const std::string& configuration) {
  auto config = ParseConfig(configuration);
  ASSERT_TRUE(config.ok()) << FormatConfigErrors("test.yaml", config.error());
  auto server = Server::Start(*config, clock_, logger_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  channel_ = grpc::CreateChannel(Address(), grpc::InsecureChannelCredentials());
  stub_ = v1::TokenService::NewStub(channel_);
}

std::string ServiceFixture::Address() const { return server_->Addresses().front().second; }

v1::AcquireForClientRequest ServiceFixture::Request(const std::string& scope) {
  v1::AcquireForClientRequest request;
  request.set_registration("orders");
  request.add_scopes(scope);
  return request;
}

grpc::Status ServiceFixture::Acquire(const v1::AcquireForClientRequest& request,
                                     v1::AcquireForClientResponse* response,
                                     absl::Duration deadline) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(deadline));
  return stub_->AcquireForClient(&context, request, response);
}

v1::AcquireForClientResponse ServiceFixture::MustAcquire(
    const v1::AcquireForClientRequest& request) {
  v1::AcquireForClientResponse response;
  const grpc::Status status = Acquire(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_code() << ": " << status.error_message();
  EXPECT_FALSE(response.access_token().value().empty());
  if (!response.access_token().value().empty()) tokens_.insert(response.access_token().value());
  return response;
}

ReadStatus ServiceFixture::MustFail(const v1::AcquireForClientRequest& request,
                                    absl::Duration deadline) {
  v1::AcquireForClientResponse response;
  const grpc::Status status = Acquire(request, &response, deadline);
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(response.access_token().value().empty());
  return Read(status);
}

std::string ServiceFixture::Metrics() const {
  httplib::Client client("http://" + server_->Addresses().back().second);
  const auto answer = client.Get("/metrics");
  return answer ? answer->body : "";
}

void ServiceFixture::ExpectNoCanary(const ReadStatus& status) const {
  std::set<std::string> hidden = tokens_;
  hidden.insert({kSecretCanary, kTokenCanary});
  const auto form = authority_->last_form();
  for (const char* name : {"client_secret", "client_assertion"}) {
    if (const auto found = form.find(name); found != form.end()) hidden.insert(found->second);
  }
  const auto headers = authority_->last_headers();
  if (const auto found = headers.find("authorization"); found != headers.end()) {
    hidden.insert(found->second.substr(found->second.find(' ') + 1));
  }
  // Of a JWT, claims or signature alone are as bad.
  for (const std::string& whole : std::set<std::string>(hidden)) {
    const std::vector<std::string> parts = absl::StrSplit(whole, '.');
    if (parts.size() == 3) hidden.insert({parts[1], parts[2]});
  }
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, HasSubstr("tokensvc_")) << "nothing to search";
  for (const auto& [where, text] :
       {std::pair<const char*, std::string>("status", status.everything),
        {"log", logger_.AllText()},
        {"metrics", metrics}}) {
    for (const std::string& canary : hidden) EXPECT_THAT(text, Not(HasSubstr(canary))) << where;
  }
  EXPECT_LE(status.detail_bytes, 4096u);
}

}  // namespace tokensvc::testing
