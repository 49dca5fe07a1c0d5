// SPDX-License-Identifier: Apache-2.0
#include "service/http/curl_transfer.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/host_name.h"
#include "service/http/address_check.h"
#include "service/http/curl_status.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxUrlBytes = std::size_t{8} << 10;

// An address that moved (DNS) is noticed within this time although the connection is always in use.
constexpr long kMaxConnectionSeconds = 600;

// How long libcurl may use what it parsed of a file of certification authorities before it reads
// the file again: parsing costs the loop about a millisecond per certificate (OpenSSL 3.0).
constexpr long kCaCacheSeconds = 60;

// libcurl sends a request again, by itself and up to five times, when a connection that it reused
// turns out to be dead before the first byte of an answer (curl 7.88, `Curl_retry_request`). We
// allow one.
constexpr int kMaxSends = 2;

bool IsToken(absl::string_view text) {  // RFC 9110 §5.6.2
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("!#$%&'*+-.^_`|~").find(c) != absl::string_view::npos;
  });
}

bool IsFieldValue(absl::string_view text) {
  return text.find_first_of(absl::string_view("\r\n\0", 3)) == absl::string_view::npos;
}

// What frames the message is libcurl's to say: a second opinion would be a request smuggled in.
bool IsFraming(absl::string_view name) {
  for (absl::string_view framing : {"connection", "content-length", "host", "transfer-encoding"}) {
    if (absl::EqualsIgnoreCase(name, framing)) return true;
  }
  return false;
}

int TransferIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::string UrlPart(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string result(text);
  curl_free(text);
  return result;
}

}  // namespace

CurlTransfer::CurlTransfer(HttpRequest request, const Settings& settings)
    : request_(std::move(request)),
      metrics_(settings.metrics),
      sink_(request_.max_body_bytes),
      easy_(curl_easy_init()) {}

CurlTransfer::~CurlTransfer() {
  curl_easy_cleanup(easy_);
  for (curl_slist* line = headers_; line != nullptr; line = line->next) {
    OPENSSL_cleanse(line->data, std::strlen(line->data));
  }
  curl_slist_free_all(headers_);
}

absl::StatusOr<std::unique_ptr<CurlTransfer>> CurlTransfer::Create(HttpRequest request,
                                                                   const Settings& settings) {
  std::unique_ptr<CurlTransfer> transfer(new CurlTransfer(std::move(request), settings));
  if (transfer->easy_ == nullptr) return absl::ResourceExhaustedError("no memory for a request");
  absl::Status status = transfer->ReadUrl();
  if (status.ok()) status = transfer->SetHeaders();
  if (status.ok()) status = transfer->SetOptions(settings);
  if (!status.ok()) return status;
  return transfer;
}

std::string CurlTransfer::Explain(absl::string_view what) const {
  return absl::StrCat(host_.empty() ? "request" : host_, ": ", what);
}

// Parsed by libcurl's own parser: another one could see another host in the same text.
absl::Status CurlTransfer::ReadUrl() {
  const std::string& text = request_.url;
  // libcurl forgives too many slashes, and takes a backslash for part of a host. Others do not.
  const std::size_t host_at = text.find("://") + 3;
  const bool odd =
      text.find('\\') != std::string::npos || text.substr(host_at < 3 ? 0 : host_at, 1) == "/";
  if (odd || text.size() > kMaxUrlBytes || !std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isgraph(static_cast<unsigned char>(c));
      })) {
    return absl::InvalidArgumentError(Explain("the URL is malformed"));
  }
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), &curl_url_cleanup);
  if (url == nullptr) return absl::ResourceExhaustedError("no memory for a request");
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK) {
    return absl::InvalidArgumentError(Explain("the URL is malformed"));
  }
  scheme_ = UrlPart(url.get(), CURLUPART_SCHEME);
  std::string host = absl::AsciiStrToLower(UrlPart(url.get(), CURLUPART_HOST));
  if ((scheme_ != "https" && scheme_ != "http") || host.empty() ||
      !UrlPart(url.get(), CURLUPART_ZONEID).empty()) {
    return absl::InvalidArgumentError(Explain("the URL is neither https nor http with a host"));
  }
  host_ = std::move(host);
  const bool platform = request_.trust == AddressTrust::kPlatform;
  // With https one could meet a connection that was opened for a configured host, to any address.
  if (platform && scheme_ != "http") {
    return absl::InvalidArgumentError(Explain("the platform is asked over plain http"));
  }
  if (scheme_ == "http" && !IsLoopbackHost(host_) && !(platform && IsLinkLocalHost(host_))) {
    return absl::PermissionDeniedError(Explain("plain http is for loopback addresses only"));
  }
  origin_ = absl::StrCat(
      scheme_, "://", host_, ":", UrlPart(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT),
      request_.trust == AddressTrust::kLearnt ? " learnt " : " configured ", request_.ca_file);
  if (request_.client_certificate != nullptr) {
    if (scheme_ != "https") {
      return absl::InvalidArgumentError(Explain("a client certificate needs https"));
    }
    absl::StrAppend(&origin_, " as ", request_.client_certificate->id);
  }
  return absl::OkStatus();
}

absl::Status CurlTransfer::SetHeaders() {
  auto append = [this](const char* line) {
    curl_slist* const longer = curl_slist_append(headers_, line);
    if (longer != nullptr) headers_ = longer;
    return longer != nullptr;
  };
  // Without this libcurl asks for leave ("100-continue") before it sends a large body, and waits.
  bool complete = append("Expect:");
  for (const auto& [name, value] : request_.headers) {
    if (!IsToken(name) || IsFraming(name) || !IsFieldValue(value.Reveal())) {
      return absl::InvalidArgumentError(Explain("a request header is malformed"));
    }
    // libcurl's way to write a header without a value is a semicolon for the colon.
    const Secret line(value.empty() ? absl::StrCat(name, ";")
                                    : absl::StrCat(name, ": ", value.Reveal()));
    // A Secret's bytes end with the terminator of its string.
    complete = complete && append(line.Reveal().data());
  }
  return complete ? absl::OkStatus() : absl::ResourceExhaustedError("no memory for a request");
}

template <class Value>
void CurlTransfer::Set(CURLoption option, Value value) {
  if (curl_easy_setopt(easy_, option, value) != CURLE_OK) option_failed_ = true;
}

// As blobs, which libcurl compares before it reuses a connection or a TLS session; a certificate
// set in OnTlsContext it would not know of. Not copied: the request outlives the transfer.
void CurlTransfer::SetClientCertificate(const ClientTlsCertificate& certificate) {
  const auto blob = [](const Secret& pem) {
    curl_blob made{};
    made.data = const_cast<char*>(pem.Reveal().data());  // libcurl only reads it
    made.len = pem.size();
    made.flags = CURL_BLOB_NOCOPY;
    return made;
  };
  curl_blob chain = blob(certificate.certificate_pem);
  curl_blob key = blob(certificate.private_key_pem);
  Set(CURLOPT_SSLCERT_BLOB, &chain);
  Set(CURLOPT_SSLKEY_BLOB, &key);
}

absl::Status CurlTransfer::SetOptions(const Settings& settings) {
  Set(CURLOPT_URL, request_.url.c_str());
  Set(CURLOPT_PROTOCOLS_STR, scheme_.c_str());
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_PROXY, "");  // not even from the environment
  Set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  Set(CURLOPT_USERAGENT, settings.user_agent.c_str());
  Set(CURLOPT_HTTPHEADER, headers_);
  if (request_.method == HttpRequest::Method::kPost) {
    Set(CURLOPT_POST, 1L);
    Set(CURLOPT_POSTFIELDS, request_.body.Reveal().data());  // not copied
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  } else {
    Set(CURLOPT_HTTPGET, 1L);
  }

  // No CURLOPT_PIPEWAIT: who waits for another request's connection stands in libcurl's queue,
  // which one hanging host blocks for all (request_queue.h). A burst to an HTTP/2 host may open as
  // many connections as it may to any other.
  Set(CURLOPT_HTTP_VERSION,
      settings.http2 ? long{CURL_HTTP_VERSION_2TLS} : long{CURL_HTTP_VERSION_1_1});
  Set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  Set(CURLOPT_SSL_VERIFYPEER, 1L);
  Set(CURLOPT_SSL_VERIFYHOST, 2L);
  Set(CURLOPT_SSL_CTX_FUNCTION, &OnTlsContext);
  Set(CURLOPT_SSL_CTX_DATA, this);
  if (!request_.ca_file.empty()) {
    // The directory of the system's certificates would be trusted beside the file.
    Set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    Set(CURLOPT_CAINFO, request_.ca_file.c_str());
    Set(CURLOPT_CA_CACHE_TIMEOUT, kCaCacheSeconds);
  } else if (curl_version_info(CURLVERSION_NOW)->capath != nullptr) {
    // The directory is searched for the one certificate that is needed; parsing the bundle file
    // takes 180 ms, on the loop.
    Set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  }

  if (request_.client_certificate != nullptr) SetClientCertificate(*request_.client_certificate);

  Set(CURLOPT_NOSIGNAL, 1L);
  // Without this a transfer that ends while its name is looked up waits for the resolver, and the
  // loop with it (curl 7.88, `Curl_resolver_kill`).
  Set(CURLOPT_QUICK_EXIT, 1L);
  Set(CURLOPT_TCP_KEEPALIVE, 1L);
  Set(CURLOPT_MAXLIFETIME_CONN, kMaxConnectionSeconds);
  if (request_.send_once) Set(CURLOPT_FRESH_CONNECT, 1L);
  // The whole request's deadline is the transport's, which counts the time in the queue too. Where
  // it comes first, libcurl's must not race with it.
  const absl::Duration connect = settings.connect_timeout < request_.timeout
                                     ? settings.connect_timeout
                                     : request_.timeout + absl::Seconds(5);
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::clamp<std::int64_t>(
                                     absl::ToInt64Milliseconds(connect), 1, 86'400'000)));

  Set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.max_body_bytes));
  Set(CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(CURLOPT_HEADERDATA, this);
  Set(CURLOPT_WRITEFUNCTION, &OnBody);
  Set(CURLOPT_WRITEDATA, this);
  Set(CURLOPT_OPENSOCKETFUNCTION, &OnOpenSocket);
  Set(CURLOPT_OPENSOCKETDATA, this);
  Set(CURLOPT_PREREQFUNCTION, &OnSend);
  Set(CURLOPT_PREREQDATA, this);
  return option_failed_ ? absl::InvalidArgumentError(Explain("libcurl refuses an option"))
                        : absl::OkStatus();
}

std::size_t CurlTransfer::OnHeader(char* data, std::size_t size, std::size_t count,
                                   void* transfer) {
  auto* self = static_cast<CurlTransfer*>(transfer);
  return self->sink_.AddHeaderLine({data, size * count}) ? size * count : CURL_WRITEFUNC_ERROR;
}

std::size_t CurlTransfer::OnBody(char* data, std::size_t size, std::size_t count, void* transfer) {
  auto* self = static_cast<CurlTransfer*>(transfer);
  return self->sink_.AddBody({data, size * count}) ? size * count : CURL_WRITEFUNC_ERROR;
}

// The address that is checked is the one that will be connected to: a name that resolves
// differently the next time gains nothing.
curl_socket_t CurlTransfer::OnOpenSocket(void* transfer, curlsocktype, curl_sockaddr* address) {
  auto* self = static_cast<CurlTransfer*>(transfer);
  const AddressTrust trust = self->request_.trust;
  const bool local = IsLoopbackAddress(address->addr) ||
                     (trust == AddressTrust::kPlatform && IsLinkLocalAddress(address->addr));
  if ((trust == AddressTrust::kLearnt && !IsPublicAddress(address->addr)) ||
      (self->scheme_ == "http" && !local)) {
    self->address_refused_ = true;
    return CURL_SOCKET_BAD;  // libcurl goes on to the name's next address
  }
  const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket < 0) return CURL_SOCKET_BAD;
  self->address_tried_ = true;
  if (self->metrics_ != nullptr) {
    self->metrics_->connections_opened.Increment();
    self->metrics_->open_connections.Add(1);
  }
  return socket;
}

int CurlTransfer::OnSend(void* transfer, char*, char*, int, int) {
  auto* self = static_cast<CurlTransfer*>(transfer);
  const int most = self->request_.send_once ? 1 : kMaxSends;
  return ++self->sends_ <= most ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

// libcurl reports some refusals of a certificate as any other failure of a handshake (a bad
// signature by an authority of the right name, for one): OpenSSL's own verdict is what counts.
CURLcode CurlTransfer::OnTlsContext(CURL*, void* context, void* transfer) {
  auto* tls = static_cast<SSL_CTX*>(context);
  if (SSL_CTX_set_ex_data(tls, TransferIndex(), transfer) != 1) return CURLE_OUT_OF_MEMORY;
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, &OnVerify);
  // The connection outlives this transfer: nothing may be verified on it later on.
  SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
  return CURLE_OK;
}

int CurlTransfer::OnVerify(int ok, X509_STORE_CTX* store) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (ok == 0) {
    void* transfer = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), TransferIndex());
    static_cast<CurlTransfer*>(transfer)->certificate_refused_ = true;
  }
  return ok;
}

bool CurlTransfer::Multiplexed() const {
  long version = 0;
  curl_easy_getinfo(easy_, CURLINFO_HTTP_VERSION, &version);
  return version >= CURL_HTTP_VERSION_2_0;
}

absl::StatusOr<HttpResponse> CurlTransfer::Finish(CURLcode code) {
  if (code != CURLE_OK) {
    if (sink_.overflowed()) return absl::OutOfRangeError(Explain("the answer is too large"));
    if (code == CURLE_COULDNT_CONNECT && address_refused_ && !address_tried_) {
      return absl::PermissionDeniedError(Explain("its address is not allowed"));
    }
    if (certificate_refused_) {
      return absl::UnauthenticatedError(Explain("its TLS certificate is refused"));
    }
    return absl::Status(StatusCodeOf(code), Explain(curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200) return absl::UnavailableError(Explain("no final answer"));
  return sink_.Take(static_cast<int>(status));
}

}  // namespace tokensvc
