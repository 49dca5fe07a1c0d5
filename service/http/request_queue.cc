// SPDX-License-Identifier: Apache-2.0
#include "service/http/request_queue.h"

#include <algorithm>

namespace tokensvc {

bool RequestQueue::Add(Id id, const std::string& host_name, const std::string& key) {
  if (entries_.size() >= limits_.requests) return false;
  Host& host = hosts_[host_name];
  if (host.name.empty()) host.name = host_name;
  if (host.waiting.empty()) host.turn = turns_.insert(turns_.end(), &host);
  entries_[id] = Entry{&host, false, host.waiting.Push(key, id)};
  return true;
}

// A host never needs more connections than it has requests running, nor than it may have.
std::size_t RequestQueue::Connections(const Host& host) const {
  return std::min(host.running, limits_.connections_per_host);
}

bool RequestQueue::MayStart(const Host& host) const {
  const std::size_t most = host.multiplexed
                               ? std::max(limits_.streams, limits_.connections_per_host)
                               : limits_.connections_per_host;
  if (host.running >= most) return false;
  return connections_ < limits_.connections || host.running >= limits_.connections_per_host;
}

std::optional<RequestQueue::Id> RequestQueue::Next() {
  for (Host* host : turns_) {
    if (!MayStart(*host)) continue;
    const Id id = host->waiting.Pop();
    connections_ -= Connections(*host);
    ++host->running;
    connections_ += Connections(*host);
    entries_[id].running = true;
    if (host->waiting.empty()) {
      turns_.erase(host->turn);
    } else {
      turns_.splice(turns_.end(), turns_, host->turn);
    }
    return id;
  }
  return std::nullopt;
}

void RequestQueue::Remove(Id id) {
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return;
  Host& host = *entry->second.host;
  if (entry->second.running) {
    connections_ -= Connections(host);
    --host.running;
    connections_ += Connections(host);
  } else {
    host.waiting.Erase(entry->second.place);
    if (host.waiting.empty()) turns_.erase(host.turn);
  }
  entries_.erase(entry);
  if (host.running == 0 && host.waiting.empty()) hosts_.erase(hosts_.find(host.name));
}

void RequestQueue::SetMultiplexed(Id id, bool multiplexed) {
  const auto entry = entries_.find(id);
  if (entry != entries_.end()) entry->second.host->multiplexed = multiplexed;
}

}  // namespace tokensvc
