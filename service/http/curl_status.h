// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_CURL_STATUS_H_
#define TOKENSVC_SERVICE_HTTP_CURL_STATUS_H_

#include <curl/curl.h>

#include "absl/status/status.h"

namespace tokensvc {

/// What the end of a transfer means to a caller of HttpTransport::Send.
inline absl::StatusCode StatusCodeOf(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return absl::StatusCode::kOk;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CACERT_BADFILE:  // no authority to trust: nobody is
      return absl::StatusCode::kUnauthenticated;
    case CURLE_FILESIZE_EXCEEDED:
      return absl::StatusCode::kOutOfRange;
    case CURLE_URL_MALFORMAT:
      return absl::StatusCode::kInvalidArgument;
    case CURLE_OUT_OF_MEMORY:
      return absl::StatusCode::kResourceExhausted;
    default:
      // CURLE_OPERATION_TIMEDOUT too: the request's own deadline is not libcurl's, so this is a
      // connection that did not come about. And CURLE_UNSUPPORTED_PROTOCOL, which is how an answer
      // that is not HTTP ends: the URL's scheme was checked before.
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_CURL_STATUS_H_
