// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_CURL_TRANSFER_H_
#define TOKENSVC_SERVICE_HTTP_CURL_TRANSFER_H_

#include <curl/curl.h>
#include <openssl/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/http/http_metrics.h"
#include "service/http/http_transport.h"
#include "service/http/response_sink.h"

namespace tokensvc {

/// One request as libcurl sees it: a handle with every option set, what arrives for it, and what
/// the end means. Not thread-safe. Neither moved nor copied: libcurl holds its address.
class CurlTransfer {
 public:
  struct Settings {
    absl::Duration connect_timeout;
    std::string user_agent;
    bool http2 = false;
    /// May be null; outlives the transfer.
    HttpMetrics* metrics = nullptr;
  };

  /// Checks the request and prepares it. Errors: kInvalidArgument, kPermissionDenied (plain http
  /// beyond loopback), kResourceExhausted (no memory).
  static absl::StatusOr<std::unique_ptr<CurlTransfer>> Create(HttpRequest request,
                                                              const Settings& settings);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  CURL* easy() const { return easy_; }
  const HttpRequest& request() const { return request_; }
  /// Scheme, host and port, and what else keeps connections apart: names the queue that this waits
  /// in.
  const std::string& origin() const { return origin_; }

  /// The host name and `what`: the only texts of errors that leave this folder.
  std::string Explain(absl::string_view what) const;

  /// Whether the server answered over HTTP/2. Only after an answer.
  bool Multiplexed() const;

  /// The answer, or the error that `code` means (HttpTransport::Send). Once, at the end.
  absl::StatusOr<HttpResponse> Finish(CURLcode code);

 private:
  CurlTransfer(HttpRequest request, const Settings& settings);

  absl::Status ReadUrl();
  absl::Status SetHeaders();
  absl::Status SetOptions(const Settings& settings);
  void SetClientCertificate(const ClientTlsCertificate& certificate);
  template <class Value>
  void Set(CURLoption option, Value value);

  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* transfer);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* transfer);
  static curl_socket_t OnOpenSocket(void* transfer, curlsocktype purpose, curl_sockaddr* address);
  static int OnSend(void* transfer, char* remote, char* local, int remote_port, int local_port);

  static CURLcode OnTlsContext(CURL* easy, void* context, void* transfer);
  static int OnVerify(int ok, X509_STORE_CTX* store);

  HttpRequest request_;
  HttpMetrics* const metrics_;
  ResponseSink sink_;
  std::string scheme_;
  std::string host_;
  std::string origin_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  bool option_failed_ = false;
  bool address_refused_ = false;
  bool address_tried_ = false;
  bool certificate_refused_ = false;
  int sends_ = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_CURL_TRANSFER_H_
