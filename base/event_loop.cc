// SPDX-License-Identifier: Apache-2.0
#include "base/event_loop.h"

namespace tokensvc {

EventLoop::EventLoop() : work_(context_.get_executor()), thread_([this] { context_.run(); }) {}

EventLoop::~EventLoop() { Stop(); }

void EventLoop::Stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace tokensvc
