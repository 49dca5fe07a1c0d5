// SPDX-License-Identifier: Apache-2.0
// tokensvc-dev-authority: the development authority as a program (README.md here).
#include <pthread.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/authority/dev_authority.h"

namespace tokensvc {
namespace {

struct Arguments {
  DevAuthority::Options options;
  std::vector<std::string> client_secrets;       // ID=FILE
  std::vector<std::string> client_certificates;  // ID=FILE
  std::vector<std::string> tenants;              // GUID[,DOMAIN...]
  std::string ready_file;
};

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// Reads the file of an ID=FILE argument; says what is wrong without saying what is in it.
bool ReadNamed(const std::string& argument, std::string& id, std::string& content) {
  const size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0) {
    std::cerr << "expected ID=FILE\n";
    return false;
  }
  id = argument.substr(0, equals);
  const std::string path = argument.substr(equals + 1);
  std::optional<std::string> read = ReadFile(path);
  if (!read) {
    std::cerr << "cannot read " << path << "\n";
    return false;
  }
  content = *std::move(read);
  return true;
}

bool FillClients(const Arguments& arguments, std::vector<DevAuthority::Client>& out) {
  std::map<std::string, DevAuthority::Client> clients;
  std::string id;
  std::string content;
  for (const std::string& argument : arguments.client_secrets) {
    if (!ReadNamed(argument, id, content)) return false;
    // An editor ends the file with a line end that is not part of the secret.
    absl::string_view secret = absl::StripSuffix(absl::StripSuffix(content, "\n"), "\r");
    if (secret.empty()) {
      std::cerr << "the secret file of client " << id << " is empty\n";
      return false;
    }
    clients[id].secrets.emplace_back(secret);
  }
  for (const std::string& argument : arguments.client_certificates) {
    if (!ReadNamed(argument, id, content)) return false;
    clients[id].certificates_pem.push_back(content);
  }
  for (auto& [name, client] : clients) {
    client.id = name;
    out.push_back(std::move(client));
  }
  return true;
}

// Whoever waits for the file must never see half of it.
bool WriteAtomically(const std::string& path, const std::string& content) {
  const std::string temporary = absl::StrCat(path, ".", ::getpid(), ".tmp");
  {
    std::ofstream out(temporary, std::ios::trunc);
    out << content << "\n";
    if (!out.flush()) return false;
  }
  return std::rename(temporary.c_str(), path.c_str()) == 0;
}

void Describe(CLI::App& app, Arguments& arguments) {
  DevAuthority::Options& options = arguments.options;
  app.add_option("--address", options.address, "Address to listen on")->capture_default_str();
  app.add_option("--port", options.port, "Port to listen on; 0 takes any free one")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535));
  app.add_option("--public-url", options.public_url,
                 "Scheme, host and port as clients write them, where these differ from what is "
                 "bound (in a container network, say)");
  auto* certificate = app.add_option("--tls-certificate-file", options.tls_certificate_file,
                                     "PEM certificate chain; serves HTTPS");
  auto* key = app.add_option("--tls-private-key-file", options.tls_private_key_file,
                             "PEM private key of the certificate");
  certificate->needs(key);
  key->needs(certificate);
  app.add_option("--client", arguments.client_secrets,
                 "ID=SECRET-FILE: registers a client secret, which is read from the file (one line "
                 "end is dropped). Repeatable, also for the same client")
      ->take_all();
  app.add_option("--client-certificate", arguments.client_certificates,
                 "ID=PEM-FILE: registers a certificate that client assertions are signed with. "
                 "Repeatable, also for the same client")
      ->take_all();
  app.add_option("--tenant", arguments.tenants,
                 "GUID[,DOMAIN...]: a tenant that exists. Repeatable; without any, all exist")
      ->take_all();
  app.add_option("--resource", options.resources,
                 "A resource that exists, as in RESOURCE/.default. Repeatable; without any, all "
                 "exist")
      ->take_all();
  app.add_option("--token-lifetime", options.token_lifetime_seconds,
                 "Life of access tokens, in seconds")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400));
  app.add_option("--refresh-in", options.refresh_in_seconds,
                 "The refresh_in of answers, in seconds; absent by default");
  app.add_option("--ready-file", arguments.ready_file,
                 "File that the base URL is written to, atomically, once the authority listens");
  app.footer(
      "Example:\n"
      "  tokensvc-dev-authority --port 8089 --client my-app=/run/secrets/my-app\n"
      "  curl -d grant_type=client_credentials -d client_id=my-app \\\n"
      "       --data-urlencode client_secret@/run/secrets/my-app \\\n"
      "       --data-urlencode scope=https://graph.example/.default \\\n"
      "       http://127.0.0.1:8089/contoso.example/oauth2/v2.0/token\n"
      "Prints one line of JSON with base_url when it listens. Stops on SIGTERM and SIGINT.\n"
      "Counters: GET /_control/counters. Faults: POST and DELETE /_control/faults.");
}

int Run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{
      "Development authority: issues access tokens for the client credentials grant in the shape "
      "of "
      "Microsoft Entra (/{tenant}/oauth2/v2.0/token) and of plain OpenID Connect (issuer /oidc), "
      "checks strictly, and fails on demand. For tests and development only.",
      "tokensvc-dev-authority"};
  Describe(app, arguments);
  CLI11_PARSE(app, argc, argv);
  if (!FillClients(arguments, arguments.options.clients)) return 2;
  for (const std::string& tenant : arguments.tenants) {
    std::vector<std::string> names = absl::StrSplit(tenant, ',');
    DevAuthority::Tenant entry;
    entry.id = names.front();
    entry.domains.assign(names.begin() + 1, names.end());
    arguments.options.tenants.push_back(std::move(entry));
  }
  // Blocked before the first thread starts, so that sigwait() below is who gets them.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  absl::StatusOr<std::unique_ptr<DevAuthority>> authority = DevAuthority::Start(arguments.options);
  if (!authority.ok()) {
    std::cerr << authority.status().message() << "\n";
    return 1;
  }
  const std::string& url = (*authority)->base_url();
  if (!arguments.ready_file.empty() && !WriteAtomically(arguments.ready_file, url)) {
    std::cerr << "cannot write " << arguments.ready_file << "\n";
    return 1;
  }
  std::cout << "{\"base_url\":\"" << url << "\",\"oidc_issuer\":\"" << (*authority)->oidc_issuer()
            << "\",\"port\":" << (*authority)->port() << ",\"pid\":" << ::getpid() << "}"
            << std::endl;
  int signal = 0;
  sigwait(&stop, &signal);
  return 0;
}

}  // namespace
}  // namespace tokensvc

int main(int argc, char** argv) { return tokensvc::Run(argc, argv); }
