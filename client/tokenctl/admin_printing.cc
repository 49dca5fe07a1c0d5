// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/admin_printing.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/tokenctl/printing.h"
#include "client/tokenctl/row_text.h"
#include "client/tokenctl/terminal_text.h"

namespace tokensvc::tokenctl {
namespace {

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string InSeconds(const google::protobuf::Duration& duration) {
  return absl::FormatDuration(absl::Trunc(ToDuration(duration), absl::Seconds(1)));
}

/// `text` line by line, each escaped, but for backslashes where nothing else would have been: they
/// mean something in YAML, and nothing to a terminal.
std::string SafeLines(absl::string_view text) {
  std::string safe;
  absl::ConsumeSuffix(&text, "\n");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::string escaped = EscapeForTerminal(line, line.size());
    const bool harmless = escaped == absl::StrReplaceAll(line, {{"\\", "\\\\"}});
    absl::StrAppend(&safe, harmless ? line : absl::string_view(escaped), "\n");
  }
  return safe;
}

/// `in_use` for SHARED_CACHE_STATE_IN_USE.
template <class Name>
std::string Word(const Name& name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(absl::string_view(name), prefix));
}

std::string SharedWord(admin::v1::SharedCacheState state) {
  return Word(admin::v1::SharedCacheState_Name(state), "SHARED_CACHE_STATE_");
}

std::string StateWord(admin::v1::KeyState state) {
  return Word(admin::v1::KeyState_Name(state), "KEY_STATE_");
}

std::string Owner(const admin::v1::TenantCacheStatistics& each) {
  return absl::StrCat(
      each.authority(), " ",
      each.tenant().empty() ? absl::StrCat("registration ", each.registration()) : each.tenant());
}

void AppendRing(const char* name, const admin::v1::KeyRing& ring, absl::Time now,
                std::string* text) {
  absl::StrAppend(text, name, "\n");
  for (const admin::v1::Key& key : ring.keys()) {
    absl::StrAppendFormat(
        text, "  %-8s %s  %s\n", StateWord(key.state()), EscapeForTerminal(key.id()),
        key.has_since() ? absl::StrCat("since ", TimeText(ToTime(key.since()), now)) : "");
  }
}

Json RingJson(const admin::v1::KeyRing& ring) {
  Json keys = Json::array();
  for (const admin::v1::Key& key : ring.keys()) {
    Json json = {{"id", key.id()}, {"state", StateWord(key.state())}};
    if (key.has_since()) {
      json["since"] = AbsoluteTime(ToTime(key.since()));
      json["age_seconds"] = key.age().seconds();
    }
    keys.push_back(std::move(json));
  }
  return keys;
}

}  // namespace

std::string BuildInfoText(const admin::v1::GetBuildInfoResponse& response, absl::Time) {
  std::string text;
  AppendRow("version", response.version(), &text);
  AppendRow("build", absl::StrCat(response.build_type(), ", ", response.compiler()), &text);
  const std::map<std::string, std::string> libraries(response.libraries().begin(),
                                                     response.libraries().end());
  for (const auto& [name, version] : libraries) {
    AppendRow("library", absl::StrCat(name, " ", version), &text);
  }
  AppendRow("started", AbsoluteTime(ToTime(response.started_at())), &text);
  AppendRow("up for", InSeconds(response.uptime()), &text);
  return text;
}

Json BuildInfoJson(const admin::v1::GetBuildInfoResponse& response) {
  Json json = {{"version", response.version()},
               {"build_type", response.build_type()},
               {"compiler", response.compiler()},
               {"started_at", AbsoluteTime(ToTime(response.started_at()))},
               {"uptime_seconds", response.uptime().seconds()}};
  json["libraries"] = Json::object();
  for (const auto& [name, version] : response.libraries()) json["libraries"][name] = version;
  return json;
}

std::string ConfigurationText(const admin::v1::GetEffectiveConfigurationResponse& response,
                              absl::Time now) {
  std::string text =
      absl::StrCat("# In force since ", TimeText(ToTime(response.in_force_since()), now), ".\n");
  if (response.needs_restart()) {
    text += "# The file has changes that wait for a restart; they are not shown here.\n";
  }
  if (response.truncated()) {
    text += "# Not all of it: --section and --name show a part.\n";
  }
  return text + SafeLines(response.yaml());
}

Json ConfigurationJson(const admin::v1::GetEffectiveConfigurationResponse& response) {
  return Json{{"yaml", response.yaml()},
              {"truncated", response.truncated()},
              {"in_force_since", AbsoluteTime(ToTime(response.in_force_since()))},
              {"needs_restart", response.needs_restart()}};
}

std::string CacheText(const admin::v1::GetCacheStatisticsResponse& response, absl::Time) {
  const admin::v1::LocalCacheStatistics& local = response.local();
  std::string text;
  AppendRow("local",
            absl::StrCat(local.entries(), " tokens, ", local.bytes(), " of ", local.max_bytes(),
                         " bytes"),
            &text);
  AppendRow("tenants",
            absl::StrCat(local.tenants(), ", each at most ", local.tenant_share_percent(),
                         " % of the bytes"),
            &text);
  for (const admin::v1::TenantCacheStatistics& each : local.largest()) {
    absl::StrAppendFormat(&text, "    %10d bytes  %8d tokens  %s\n", each.bytes(), each.entries(),
                          EscapeForTerminal(Owner(each)));
  }
  AppendRow("shared", absl::StrReplaceAll(SharedWord(response.shared()), {{"_", " "}}), &text);
  AppendRow("failures", absl::StrCat(response.remembered_failures(), " remembered"), &text);
  return text;
}

Json CacheJson(const admin::v1::GetCacheStatisticsResponse& response) {
  const admin::v1::LocalCacheStatistics& local = response.local();
  Json largest = Json::array();
  for (const admin::v1::TenantCacheStatistics& each : local.largest()) {
    Json json = {
        {"authority", each.authority()}, {"entries", each.entries()}, {"bytes", each.bytes()}};
    if (!each.tenant().empty()) json["tenant"] = each.tenant();
    if (!each.registration().empty()) json["registration"] = each.registration();
    largest.push_back(std::move(json));
  }
  Json json;
  json["local"] =
      Json{{"entries", local.entries()},     {"bytes", local.bytes()},
           {"max_bytes", local.max_bytes()}, {"tenant_share_percent", local.tenant_share_percent()},
           {"tenants", local.tenants()},     {"largest", std::move(largest)}};
  json["shared"] = SharedWord(response.shared());
  json["remembered_failures"] = response.remembered_failures();
  return json;
}

std::string KeyRingsText(const admin::v1::GetKeyRingsResponse& response, absl::Time now) {
  if (!response.has_sealing()) return "no keys: this replica shares nothing\n";
  std::string text;
  AppendRing("sealing", response.sealing(), now, &text);
  AppendRing("index", response.index(), now, &text);
  return text;
}

Json KeyRingsJson(const admin::v1::GetKeyRingsResponse& response) {
  Json json = Json::object();
  if (response.has_sealing()) json["sealing"] = RingJson(response.sealing());
  if (response.has_index()) json["index"] = RingJson(response.index());
  return json;
}

std::string PurgeText(const admin::v1::PurgeCacheResponse& response, absl::Time) {
  return response.shared()
             ? "purged, here and in the shared cache; the other replicas follow within a second\n"
             : "purged in this replica, which shares nothing: tell the other replicas too\n";
}

Json PurgeJson(const admin::v1::PurgeCacheResponse& response) {
  return Json{{"purged", true}, {"shared", response.shared()}};
}

std::string ReloadText(const admin::v1::ReloadResponse& response, absl::Time) {
  std::string text;
  switch (response.outcome()) {
    case admin::v1::RELOAD_OUTCOME_IN_FORCE:
      text = "reloaded: what the file says is in force\n";
      break;
    case admin::v1::RELOAD_OUTCOME_UNCHANGED:
      text = "unchanged: what the file says was in force already\n";
      break;
    default:
      text = "REFUSED: the configuration from before stays in force\n";
  }
  for (const std::string& error : response.errors()) {
    absl::StrAppend(&text, "  ", SafeLines(error));
  }
  if (response.needs_restart()) {
    text += "some of the file's changes wait for a restart: listeners, caches, threads\n";
  }
  return text;
}

Json ReloadJson(const admin::v1::ReloadResponse& response) {
  Json json = {
      {"outcome", Word(admin::v1::ReloadOutcome_Name(response.outcome()), "RELOAD_OUTCOME_")},
      {"needs_restart", response.needs_restart()}};
  json["errors"] = Json::array();
  for (const std::string& error : response.errors()) json["errors"].push_back(error);
  return json;
}

std::string TestPolicyText(const admin::v1::TestPolicyResponse& response, absl::Time) {
  std::string text = SafeLines(response.report());
  if (response.truncated()) {
    absl::StrAppend(&text, "... the report is too long; ", response.asked(), " asked, ",
                    response.wrong(), " wrong\n");
  }
  return text;
}

Json TestPolicyJson(const admin::v1::TestPolicyResponse& response) {
  return Json{{"asked", response.asked()},
              {"wrong", response.wrong()},
              {"report", response.report()},
              {"truncated", response.truncated()}};
}

std::string ExplainText(const admin::v1::ExplainAccessResponse& response, absl::Time) {
  std::string text = response.allowed() ? "ALLOWED" : "DENIED";
  absl::StrAppend(&text, ": ", EscapeForTerminal(response.because()), "\n");
  for (const std::string& miss : response.near_misses()) {
    absl::StrAppend(&text, "  - ", EscapeForTerminal(miss), "\n");
  }
  return text;
}

Json ExplainJson(const admin::v1::ExplainAccessResponse& response) {
  Json json = {{"allowed", response.allowed()}, {"because", response.because()}};
  if (!response.rule().empty()) json["rule"] = response.rule();
  json["near_misses"] = Json::array();
  for (const std::string& miss : response.near_misses()) json["near_misses"].push_back(miss);
  return json;
}

}  // namespace tokensvc::tokenctl
