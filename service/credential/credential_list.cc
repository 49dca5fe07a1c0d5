// SPDX-License-Identifier: Apache-2.0
#include "service/credential/credential_list.h"

#include <utility>

namespace tokensvc {

CredentialList::CredentialList(std::vector<std::shared_ptr<ClientCredential>> credentials,
                               const CredentialEnvironment& environment)
    : clock_(environment.clock), logger_(environment.logger), refusals_(credentials.size()) {
  for (std::shared_ptr<ClientCredential>& credential : credentials) {
    const CredentialMetrics::Counters& counters = environment.metrics.For(credential->id());
    entries_.push_back(Entry{std::move(credential), &counters});
  }
}

std::vector<std::shared_ptr<ClientCredential>> CredentialList::Candidates(BootTime now) const {
  std::vector<std::shared_ptr<ClientCredential>> order;
  std::vector<std::shared_ptr<ClientCredential>> last;
  order.reserve(entries_.size());
  MutexLock lock(&mutex_);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    (IsRefused(i, now) ? last : order).push_back(entries_[i].credential);
  }
  order.insert(order.end(), last.begin(), last.end());
  return order;
}

asio::awaitable<void> CredentialList::RefreshRefused() {
  std::vector<std::shared_ptr<ClientCredential>> refused;
  {
    const BootTime now = clock_.Boot();
    MutexLock lock(&mutex_);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (IsRefused(i, now)) refused.push_back(entries_[i].credential);
    }
  }
  for (const std::shared_ptr<ClientCredential>& credential : refused) {
    co_await credential->CheckForChange();
  }
}

void CredentialList::MarkRefused(absl::string_view id, std::uint64_t version) {
  const std::optional<std::size_t> index = Find(id);
  if (!index) return;
  entries_[*index].counters->refusals.Increment();
  bool news = false;
  {
    MutexLock lock(&mutex_);
    std::optional<Refusal>& refusal = refusals_[*index];
    // An answer to a request that was under way when the credential changed says nothing new.
    if (refusal && refusal->version > version) return;
    news = !refusal || refusal->version != version;
    refusal = Refusal{clock_.Boot(), version};
  }
  if (news) logger_.Warning("credential_refused", {{"credential", id}});
}

void CredentialList::MarkAccepted(absl::string_view id) {
  const std::optional<std::size_t> index = Find(id);
  if (!index) return;
  if (*index > 0) entries_[*index].counters->secondary_uses.Increment();
  MutexLock lock(&mutex_);
  refusals_[*index].reset();
}

std::optional<std::size_t> CredentialList::Find(absl::string_view id) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].credential->id() == id) return i;
  }
  return std::nullopt;
}

bool CredentialList::IsRefused(std::size_t index, BootTime now) const {
  const std::optional<Refusal>& refusal = refusals_[index];
  return refusal && now - refusal->at < ToNanos(kRefusalMemory) &&
         refusal->version == entries_[index].credential->version();
}

}  // namespace tokensvc
