// SPDX-License-Identifier: Apache-2.0
#include "service/http/fair_queue.h"

namespace tokensvc {

FairQueue::Place FairQueue::Push(const std::string& key, Id id) {
  const auto [found, is_new] = lines_.try_emplace(key);
  Line& line = found->second;
  if (is_new) {
    line.key = key;
    line.turn = turns_.insert(turns_.end(), &line);
  }
  Place place;
  place.line = &line;
  place.at = line.waiting.insert(line.waiting.end(), id);
  return place;
}

FairQueue::Id FairQueue::Pop() {
  Line& line = *turns_.front();
  const Id id = line.waiting.front();
  line.waiting.pop_front();
  turns_.splice(turns_.end(), turns_, line.turn);
  EndIfEmpty(line);
  return id;
}

void FairQueue::Erase(const Place& place) {
  Line& line = *place.line;
  line.waiting.erase(place.at);
  EndIfEmpty(line);
}

void FairQueue::EndIfEmpty(Line& line) {
  if (!line.waiting.empty()) return;
  turns_.erase(line.turn);
  lines_.erase(lines_.find(line.key));  // by iterator: the key goes with the line
}

}  // namespace tokensvc
