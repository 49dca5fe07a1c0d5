// SPDX-License-Identifier: Apache-2.0
// Acquires a token for a registration, and makes the header of a request with it.
#include <iostream>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "tokensvc/authorization_header_provider.h"
#include "tokensvc/error_details.h"
#include "tokensvc/token_client.h"

namespace {

using tokensvc::client::AccessToken;
using tokensvc::client::AuthorizationHeaderProvider;
using tokensvc::client::ConnectionOptions;
using tokensvc::client::ErrorDetails;
using tokensvc::client::ErrorDetailsOf;
using tokensvc::client::TokenClient;
using tokensvc::client::TokenRequest;

/// What a program does with an error: branch on the reason, never on the text.
int Fail(const absl::Status& status) {
  const ErrorDetails details = ErrorDetailsOf(status);
  std::cerr << "no token: " << status.message() << "\n";
  if (details.reason == tokensvc::v1::ERROR_REASON_POLICY_DENIED) {
    std::cerr << "ask the operator for access, with the correlation id " << details.correlation_id
              << "\n";
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 7) {
    std::cerr
        << "usage: cpp_client ADDRESS REGISTRATION SCOPE [CA_FILE [JWT_FILE | CERTIFICATE_FILE "
           "KEY_FILE]]\n";
    return 2;
  }
  ConnectionOptions connection;
  connection.address = argv[1];
  if (argc == 4) {
    connection.plaintext = true;  // A development service on this machine.
  } else {
    connection.ca_file = argv[4];
  }
  if (argc == 6) {
    connection.jwt_file = argv[5];  // A projected service-account token, for example.
  } else if (argc == 7) {
    connection.certificate_file = argv[5];  // Mutual TLS.
    connection.private_key_file = argv[6];
  }
  const auto client = TokenClient::Create(connection);
  if (!client.ok()) return Fail(client.status());
  AuthorizationHeaderProvider provider(*client);  // One for the whole process.

  TokenRequest request;
  request.registration = argv[2];
  request.scopes = {argv[3]};
  const absl::StatusOr<AccessToken> token = provider.GetToken(request);
  if (!token.ok()) return Fail(token.status());
  std::cout << "expires at " << absl::FormatTime(token->expires_at(), absl::UTCTimeZone()) << "\n";

  // Before every request to the resource; from memory while the token may be kept.
  const absl::StatusOr<std::string> header = provider.GetAuthorizationHeader(request);
  if (!header.ok()) return Fail(header.status());
  std::cout << "Authorization: " << header->substr(0, 7) << "… (" << header->size()
            << " characters)\n";
  return 0;
}
