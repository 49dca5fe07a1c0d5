// SPDX-License-Identifier: Apache-2.0
// A program that uses the C++ library over TLS: asks for one token twenty times, for its headers
// once, and makes a hundred thousand headers from memory. One JSON document for each step. Prints
// tokens: for tests with the development authority.
#include <iostream>
#include <string>

#include "absl/status/statusor.h"
#include "tokensvc/access_token.h"
#include "tokensvc/authorization_header_provider.h"
#include "tokensvc/authorization_headers.h"
#include "tokensvc/token_client.h"

namespace {

using namespace tokensvc::client;

constexpr int kCalls = 20;
constexpr int kHeaders = 100'000;

const char* NameOf(TokenSource source) {
  switch (source) {
    case TokenSource::kAuthority:
      return "authority";
    case TokenSource::kSharedCache:
      return "shared_cache";
    case TokenSource::kLocalCache:
      return "local_cache";
    case TokenSource::kUnknown:
      break;
  }
  return "unknown";
}

int Fail(const absl::Status& status) {
  std::cerr << status << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: cpp_client_acquire HOST:PORT CA_FILE JWT_FILE SCOPE\n";
    return 2;
  }
  ConnectionOptions connection;
  connection.address = argv[1];
  connection.ca_file = argv[2];
  connection.jwt_file = argv[3];
  const auto client = TokenClient::Create(connection);
  if (!client.ok()) return Fail(client.status());
  TokenRequest request;
  request.registration = "orders";
  request.scopes = {argv[4]};

  for (int i = 0; i < kCalls; ++i) {
    const absl::StatusOr<AccessToken> token = (*client)->AcquireForClient(request);
    if (!token.ok()) return Fail(token.status());
    std::cout << R"({"source": ")" << NameOf(token->source()) << R"(", "token": ")"
              << token->Reveal() << "\"}\n";
  }

  const absl::StatusOr<AuthorizationHeaders> headers =
      (*client)->CreateAuthorizationHeader(request);
  if (!headers.ok()) return Fail(headers.status());
  for (const AuthorizationHeaders::Header& header : headers->Reveal()) {
    std::cout << R"({"name": ")" << header.name << R"(", "value": ")" << header.value << "\"}\n";
  }

  AuthorizationHeaderProvider provider(*client);
  std::string first;
  for (int i = 0; i < kHeaders; ++i) {
    const absl::StatusOr<std::string> header = provider.GetAuthorizationHeader(request);
    if (!header.ok()) return Fail(header.status());
    if (first.empty()) first = *header;
    if (*header != first) return Fail(absl::InternalError("another token is kept by now"));
  }
  std::cout << R"({"headers": )" << kHeaders << R"(, "value": ")" << first << "\"}\n";
  return 0;
}
