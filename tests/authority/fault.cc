// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/fault.h"

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tokensvc::devauth {
namespace {

constexpr int64_t kMaxBodyBytes = 1 << 30;
constexpr int64_t kMaxSeconds = 1'000'000'000;

bool Read(const Json& json, std::string& out) {
  if (!json.is_string()) return false;
  out = json.get<std::string>();
  return true;
}

bool Read(const Json& json, bool& out) {
  if (!json.is_boolean()) return false;
  out = json.get<bool>();
  return true;
}

bool ReadInt(const Json& json, int64_t least, int64_t most, int64_t& out) {
  if (!json.is_number_integer()) return false;
  out = json.get<int64_t>();
  return out >= least && out <= most;
}

template <typename T>
bool ReadOptional(const Json& json, std::optional<T>& out) {
  T value{};
  if (!Read(json, value)) return false;
  out = std::move(value);
  return true;
}

template <typename T>
bool ReadOptionalInt(const Json& json, int64_t least, int64_t most, std::optional<T>& out) {
  int64_t value = 0;
  if (!ReadInt(json, least, most, value)) return false;
  out = static_cast<T>(value);
  return true;
}

bool ReadEndpoint(const Json& json, Endpoint& out) {
  static const std::map<std::string, Endpoint> kNames = {{"token", Endpoint::kToken},
                                                         {"discovery", Endpoint::kDiscovery},
                                                         {"jwks", Endpoint::kJwks},
                                                         {"instance", Endpoint::kInstance}};
  const auto it = json.is_string() ? kNames.find(json.get<std::string>()) : kNames.end();
  if (it == kNames.end()) return false;
  out = it->second;
  return true;
}

bool ReadHeaders(const Json& json, std::map<std::string, std::string>& out) {
  if (!json.is_object()) return false;
  for (const auto& [name, value] : json.items()) {
    if (!Read(value, out[name])) return false;
  }
  return true;
}

bool ReadLatency(const Json& json, absl::Duration& out) {
  int64_t milliseconds = 0;
  if (!ReadInt(json, 0, 600'000, milliseconds)) return false;
  out = absl::Milliseconds(milliseconds);
  return true;
}

bool ReadErrorCode(const Json& json, int& out) {
  int64_t code = 0;
  if (!ReadInt(json, 1, 99'999'999, code)) return false;
  out = static_cast<int>(code);
  return true;
}

using Reader = std::function<bool(const Json&, Fault&)>;

const std::map<std::string, Reader>& Readers() {
  static const auto* readers = new std::map<std::string, Reader>{
      {"endpoint", [](const Json& j, Fault& f) { return ReadEndpoint(j, f.endpoint); }},
      {"tenant", [](const Json& j, Fault& f) { return ReadOptional(j, f.tenant); }},
      {"client_id", [](const Json& j, Fault& f) { return ReadOptional(j, f.client_id); }},
      {"count", [](const Json& j, Fault& f) { return ReadOptionalInt(j, 1, 1 << 30, f.count); }},
      {"latency_ms", [](const Json& j, Fault& f) { return ReadLatency(j, f.latency); }},
      {"hang", [](const Json& j, Fault& f) { return Read(j, f.hang); }},
      {"reset", [](const Json& j, Fault& f) { return Read(j, f.reset); }},
      {"reset_after_bytes",
       [](const Json& j, Fault& f) {
         return ReadOptionalInt(j, 0, kMaxBodyBytes, f.reset_after_bytes);
       }},
      {"status", [](const Json& j, Fault& f) { return ReadOptionalInt(j, 200, 599, f.status); }},
      {"body", [](const Json& j, Fault& f) { return ReadOptional(j, f.body); }},
      {"content_type", [](const Json& j, Fault& f) { return Read(j, f.content_type); }},
      {"headers", [](const Json& j, Fault& f) { return ReadHeaders(j, f.headers); }},
      {"body_bytes",
       [](const Json& j, Fault& f) { return ReadOptionalInt(j, 0, kMaxBodyBytes, f.body_bytes); }},
      {"error_code", [](const Json& j, Fault& f) { return ReadErrorCode(j, f.error_code); }},
      {"error", [](const Json& j, Fault& f) { return Read(j, f.error); }},
      {"suberror", [](const Json& j, Fault& f) { return Read(j, f.suberror); }},
      {"claims", [](const Json& j, Fault& f) { return Read(j, f.claims); }},
      {"echo_credentials", [](const Json& j, Fault& f) { return Read(j, f.echo_credentials); }},
      {"echo_request", [](const Json& j, Fault& f) { return Read(j, f.echo_request); }},
      {"lifetime_seconds",
       [](const Json& j, Fault& f) {
         return ReadOptionalInt(j, 0, kMaxSeconds, f.lifetime_seconds);
       }},
      {"same_token", [](const Json& j, Fault& f) { return Read(j, f.same_token); }},
      {"foreign_issuer", [](const Json& j, Fault& f) { return Read(j, f.foreign_issuer); }},
      {"response_patch",
       [](const Json& j, Fault& f) {
         f.response_patch = j;
         return j.is_object();
       }},
      {"duplicate_access_token",
       [](const Json& j, Fault& f) { return Read(j, f.duplicate_access_token); }},
  };
  return *readers;
}

bool Fits(const std::optional<std::string>& wanted, absl::string_view actual) {
  return !wanted || *wanted == actual;
}

}  // namespace

absl::StatusOr<Fault> ParseFault(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("a fault is a JSON object");
  Fault fault;
  for (const auto& [name, value] : json.items()) {
    const auto reader = Readers().find(name);
    if (reader == Readers().end()) {
      return absl::InvalidArgumentError(absl::StrCat("unknown member '", name, "'"));
    }
    if (!reader->second(value, fault)) {
      return absl::InvalidArgumentError(absl::StrCat("bad value of '", name, "'"));
    }
  }
  return fault;
}

void FaultSet::Add(Fault fault) {
  const std::lock_guard<std::mutex> lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultSet::Clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  faults_.clear();
}

std::optional<Fault> FaultSet::Take(Endpoint endpoint, absl::string_view tenant,
                                    absl::string_view client_id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = faults_.begin(); it != faults_.end(); ++it) {
    if (it->endpoint != endpoint || !Fits(it->tenant, tenant) || !Fits(it->client_id, client_id)) {
      continue;
    }
    Fault fault = *it;
    if (it->count && --*it->count <= 0) faults_.erase(it);
    return fault;
  }
  return std::nullopt;
}

}  // namespace tokensvc::devauth
