// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_AUTHORITY_TEST_FIXTURE_H_
#define TOKENSVC_TESTS_AUTHORITY_AUTHORITY_TEST_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/authority/dev_authority.h"
#include "tests/authority/json.h"

namespace tokensvc {

using devauth::Json;
using Params = std::map<std::string, std::string>;

inline constexpr char kTenant[] = "11111111-2222-3333-4444-555555555555";
inline constexpr char kClientId[] = "app";
inline constexpr char kSecret[] = "s3cret+with/odd=chars&%";
inline constexpr char kForm[] = "application/x-www-form-urlencoded";

/// Percent-encodes everything but letters and digits.
inline std::string FormEncode(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      out.push_back(c);
    } else {
      absl::StrAppend(&out, "%", absl::BytesToHexString(absl::string_view(&c, 1)));
    }
  }
  return out;
}

inline std::string FormBody(const Params& params) {
  std::string body;
  for (const auto& [name, value] : params) {
    absl::StrAppend(&body, body.empty() ? "" : "&", FormEncode(name), "=", FormEncode(value));
  }
  return body;
}

inline std::string ReadWholeFile(const std::string& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// An answer with its body read as JSON; null where it is none.
struct Answer {
  bool received = false;
  int status = 0;
  std::string text;
  httplib::Headers headers;
  Json json;

  std::string Header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? "" : it->second;
  }
  std::string error() const { return devauth::StringMember(json, "error").value_or(""); }
  std::string token() const { return devauth::StringMember(json, "access_token").value_or(""); }
  int aadsts() const {
    return json.is_object() && json.contains("error_codes") ? json["error_codes"][0].get<int>() : 0;
  }
};

inline Answer ToAnswer(const httplib::Result& result) {
  Answer answer;
  if (!result) return answer;
  answer.received = true;
  answer.status = result->status;
  answer.text = result->body;
  answer.headers = result->headers;
  answer.json = Json::parse(result->body, nullptr, false);
  return answer;
}

/// The claims of a JWT, not verified.
inline Json ClaimsOf(const std::string& jwt) {
  const size_t first = jwt.find('.');
  std::string out;
  absl::WebSafeBase64Unescape(jwt.substr(first + 1, jwt.rfind('.') - first - 1), &out);
  return Json::parse(out, nullptr, false);
}

/// A running authority with one client, and a temporary directory.
class AuthorityTest : public ::testing::Test {
 protected:
  AuthorityTest() {
    std::string name = (std::filesystem::temp_directory_path() / "authority.XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~AuthorityTest() override {
    authority_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Start(DevAuthority::Options options = {}) {
    if (options.clients.empty()) options.clients.push_back(DefaultClient());
    if (options.signing_key_pem.empty()) options.signing_key_pem = SharedSigningKey();
    absl::StatusOr<std::unique_ptr<DevAuthority>> started = DevAuthority::Start(std::move(options));
    ASSERT_TRUE(started.ok()) << started.status();
    authority_ = *std::move(started);
  }

  // One key for all tests of the process: making an RSA key is the slowest thing that they do.
  static const std::string& SharedSigningKey() {
    static const auto* pem = new std::string([] {
      EVP_PKEY* key = EVP_RSA_gen(2048);
      BIO* bio = BIO_new(BIO_s_mem());
      PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
      char* data = nullptr;
      const long size = BIO_get_mem_data(bio, &data);
      std::string out(data, static_cast<size_t>(size));
      BIO_free(bio);
      EVP_PKEY_free(key);
      return out;
    }());
    return *pem;
  }

  static DevAuthority::Client DefaultClient() { return {kClientId, {kSecret}, {}, {"Reader"}}; }

  static Params GoodParams() {
    return {{"grant_type", "client_credentials"},
            {"client_id", kClientId},
            {"client_secret", kSecret},
            {"scope", "https://api.example/.default"}};
  }

  static std::string TokenPath(const std::string& tenant = kTenant) {
    return absl::StrCat("/", tenant, "/oauth2/v2.0/token");
  }

  httplib::Client NewClient() const {
    httplib::Client client(authority_->base_url());
    client.set_read_timeout(30);
    return client;
  }

  Answer Post(const std::string& path, const Params& params, const httplib::Headers& headers = {}) {
    return PostText(path, FormBody(params), headers);
  }
  Answer PostText(const std::string& path, const std::string& body,
                  const httplib::Headers& headers = {}, const std::string& type = kForm) {
    return ToAnswer(NewClient().Post(path, headers, body, type));
  }
  Answer Get(const std::string& path, const httplib::Headers& headers = {}) {
    return ToAnswer(NewClient().Get(path, headers));
  }

  std::string directory_;
  std::unique_ptr<DevAuthority> authority_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_AUTHORITY_AUTHORITY_TEST_FIXTURE_H_
