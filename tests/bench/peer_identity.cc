// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/peer_identity.h"

#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/authority/test_certificates.h"
#include "tests/service/jose/jwt_testing.h"

namespace tokensvc::bench {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

template <class T>
T OrEnd(absl::StatusOr<T> made) {
  if (made.ok()) return *std::move(made);
  std::fprintf(stderr, "%s\n", std::string(made.status().message()).c_str());
  std::exit(1);
}

}  // namespace

PeerIdentity::PeerIdentity(IdentityKind kind, const std::string& folder) {
  if (kind == IdentityKind::kCertificate) UseCertificates(folder);
  if (kind == IdentityKind::kJwt) UseJwt(folder);
}

void PeerIdentity::UseCertificates(const std::string& folder) {
  const std::unique_ptr<TestCertificates> authority = OrEnd(TestCertificates::Create(folder));
  const CertificateFiles server = OrEnd(authority->IssueServer("listener"));
  TestCertificates::Leaf leaf;
  leaf.name = "load";
  leaf.server = false;
  leaf.subject_alternative_names = "URI:spiffe://bench.example/ns/load/sa/caller";
  const CertificateFiles client = OrEnd(authority->Issue(leaf));
  listener_ = absl::StrCat("tls: {certificate_file: \"", server.certificate,
                           "\", private_key_file: \"", server.private_key, "\", client_ca_file: \"",
                           authority->ca_file(), "\"}, client_certificates: {}");
  bare_arguments_ = {"--tls", server.certificate, server.private_key, authority->ca_file()};
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadAll(authority->ca_file());
  options.pem_cert_chain = ReadAll(client.certificate);
  options.pem_private_key = ReadAll(client.private_key);
  credentials_ = grpc::SslCredentials(options);
}

void PeerIdentity::UseJwt(const std::string& folder) {
  const std::string keys = folder + "/issuer.json";
  std::ofstream(keys) << testing::JwkSetText({testing::JwkOf(testing::RsaKey(), "bench")});
  const std::int64_t now = absl::ToUnixSeconds(absl::Now());
  authorization_ =
      absl::StrCat("Bearer ", testing::GoodToken(testing::RsaKey(), "bench",
                                                 {{"iss", "https://issuer.example"},
                                                  {"sub", "system:serviceaccount:load:caller"},
                                                  {"aud", "tokensvc"},
                                                  {"iat", now},
                                                  {"exp", now + 20 * 3600}}));
  listener_ = "plaintext: {}, jwt: {issuers: [bench]}";
  configuration_ = absl::StrCat(
      "jwt_issuers: [{name: bench, issuer: \"https://issuer.example\", audiences: [tokensvc], "
      "jwks_file: \"",
      keys, "\"}]\n");
}

}  // namespace tokensvc::bench
