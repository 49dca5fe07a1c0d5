// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_HTTP_MESSAGE_H_
#define TOKENSVC_TESTS_AUTHORITY_HTTP_MESSAGE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace tokensvc::devauth {

/// A request as the endpoints see it.
struct HttpRequest {
  std::string method;
  std::string path;                            ///< as sent, not decoded
  std::string query;                           ///< as sent, without '?'
  std::map<std::string, std::string> headers;  ///< names in lower case
  bool repeated_header = false;                ///< a header that must be single came twice
  std::string body;
  std::function<bool()> client_gone;  ///< true once the client has closed its side

  std::string Header(const std::string& lower_case_name) const {
    const auto it = headers.find(lower_case_name);
    return it == headers.end() ? "" : it->second;
  }
};

/// An answer, with what a fault does to the connection.
struct HttpReply {
  int status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::map<std::string, std::string> headers;
  std::string body;
  std::optional<size_t> generated_bytes;    ///< instead of `body`: so many bytes, chunked
  std::optional<size_t> reset_after_bytes;  ///< RST once so many bytes are sent
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_HTTP_MESSAGE_H_
