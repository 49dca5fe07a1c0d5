// SPDX-License-Identifier: Apache-2.0
#include "service/http/curl_multi_driver.h"

#include <unistd.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "asio/error.hpp"

namespace tokensvc {
namespace {

// Below the usual 60 s and more after which load balancers drop an idle connection silently, so
// that a request seldom meets a dead one.
constexpr long kMaxIdleSeconds = 50;

}  // namespace

struct CurlMultiDriver::Watch {
  Watch(asio::io_context& context, curl_socket_t s) : descriptor(context), socket(s) {}
  ~Watch() { Release(); }

  // Takes the descriptor out of Asio's poll set without closing it: libcurl closes it.
  void Release() {
    if (descriptor.is_open()) descriptor.release();
  }

  asio::posix::stream_descriptor descriptor;
  const curl_socket_t socket;
  int wanted = CURL_POLL_NONE;
  bool waiting[2] = {false, false};  // for reading, for writing
};

CurlMultiDriver::CurlMultiDriver(asio::io_context& context, const Limits& limits,
                                 HttpMetrics* metrics, OnDone done)
    : context_(context),
      metrics_(metrics),
      done_(std::move(done)),
      timer_(context),
      multi_(curl_multi_init()) {
  if (multi_ == nullptr) return;
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, limits.connections_per_host);
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, limits.connections);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, limits.connections);
  curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS, limits.streams);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
}

CurlMultiDriver::~CurlMultiDriver() {
  for (CURL* easy : running_) curl_multi_remove_handle(multi_, easy);
  // Closes the idle connections too, through OnSocket and OnCloseSocket: the members are still
  // there.
  if (multi_ != nullptr) curl_multi_cleanup(multi_);
}

bool CurlMultiDriver::Add(CURL* easy) {
  if (multi_ == nullptr) return false;
  // A connection keeps these two for its own life, which may be longer than the transfer's.
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &OnCloseSocket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  if (curl_multi_add_handle(multi_, easy) != CURLM_OK) return false;
  running_.insert(easy);
  return true;
}

void CurlMultiDriver::Remove(CURL* easy) {
  if (running_.erase(easy) == 0) return;
  curl_multi_remove_handle(multi_, easy);
}

int CurlMultiDriver::OnSocket(CURL*, curl_socket_t socket, int what, void* driver, void*) {
  auto* self = static_cast<CurlMultiDriver*>(driver);
  if (what == CURL_POLL_REMOVE) {
    self->Forget(socket);
    return 0;
  }
  std::shared_ptr<Watch>& watch = self->watches_[socket];
  if (watch == nullptr) {
    watch = std::make_shared<Watch>(self->context_, socket);
    std::error_code error;
    watch->descriptor.assign(socket, error);
    // Without a watch the transfer ends by its deadline. An error returned here would end all
    // transfers.
    if (error) return 0;
  }
  watch->wanted = what;
  self->Arm(watch);
  return 0;
}

int CurlMultiDriver::OnTimer(CURLM*, long timeout_ms, void* driver) {
  auto* self = static_cast<CurlMultiDriver*>(driver);
  if (timeout_ms < 0) {
    self->timer_.cancel();
    return 0;
  }
  self->timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  // Setting the time cancelled an earlier wait. One whose handler is on its way already only makes
  // libcurl look at its clock once more.
  self->timer_.async_wait([weak = self->weak_from_this()](const std::error_code& error) {
    const std::shared_ptr<CurlMultiDriver> alive = weak.lock();
    if (!error && alive != nullptr) alive->Act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

int CurlMultiDriver::OnCloseSocket(void* driver, curl_socket_t socket) {
  auto* self = static_cast<CurlMultiDriver*>(driver);
  // libcurl says CURL_POLL_REMOVE before; a descriptor number that is used anew must not meet an
  // old watch in any case.
  self->Forget(socket);
  if (self->metrics_ != nullptr) self->metrics_->open_connections.Add(-1);
  return ::close(socket);
}

void CurlMultiDriver::Forget(curl_socket_t socket) {
  const auto found = watches_.find(socket);
  if (found == watches_.end()) return;
  found->second
      ->Release();  // Wait()'s handlers may keep the watch for a while: closed, it is inert
  watches_.erase(found);
}

void CurlMultiDriver::Arm(const std::shared_ptr<Watch>& watch) {
  if (!watch->descriptor.is_open()) return;
  if ((watch->wanted & CURL_POLL_IN) != 0 && !watch->waiting[0]) Wait(watch, false);
  if ((watch->wanted & CURL_POLL_OUT) != 0 && !watch->waiting[1]) Wait(watch, true);
}

void CurlMultiDriver::Wait(const std::shared_ptr<Watch>& watch, bool for_write) {
  watch->waiting[for_write] = true;
  auto handler = [weak = weak_from_this(), watch, for_write](const std::error_code& error) {
    watch->waiting[for_write] = false;
    const std::shared_ptr<CurlMultiDriver> self = weak.lock();
    if (self == nullptr || !watch->descriptor.is_open()) return;
    if (error == asio::error::operation_aborted) return;
    // What libcurl no longer waits for must not wake it; it says so again when it does.
    if ((watch->wanted & (for_write ? CURL_POLL_OUT : CURL_POLL_IN)) == 0) return;
    const int events = for_write ? CURL_CSELECT_OUT : CURL_CSELECT_IN;
    self->Act(watch->socket, error ? events | CURL_CSELECT_ERR : events);
    self->Arm(watch);
  };
  watch->descriptor.async_wait(for_write ? asio::posix::descriptor_base::wait_write
                                         : asio::posix::descriptor_base::wait_read,
                               std::move(handler));
}

void CurlMultiDriver::Act(curl_socket_t socket, int events) {
  int still_running = 0;
  curl_multi_socket_action(multi_, socket, events, &still_running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    // Copied: the message dies with the handle's removal.
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;
    Remove(easy);
    done_(easy, code);
  }
}

}  // namespace tokensvc
