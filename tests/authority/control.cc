// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/control.h"

#include <utility>
#include <vector>

#include "tests/authority/json.h"

namespace tokensvc::devauth {
namespace {

constexpr char kCounters[] = "/_control/counters";
constexpr char kFaults[] = "/_control/faults";
constexpr char kReset[] = "/_control/reset";

HttpReply Reply(int status, const Json& body) {
  HttpReply reply;
  reply.status = status;
  reply.body = DumpJson(body);
  return reply;
}

HttpReply Refuse(int status, absl::string_view why) {
  return Reply(status, {{"error", std::string(why)}});
}

HttpReply GetCounters(const ControlActions& actions) {
  Json body = ToJson(actions.counters());
  body["last_form"] = Json::object();
  for (const auto& [name, value] : actions.last_form()) {
    const bool secret = name == "client_secret" || name == "client_assertion";
    body["last_form"][name] = secret ? "(secret)" : value;
  }
  return Reply(200, body);
}

HttpReply PostFaults(const HttpRequest& request, const ControlActions& actions) {
  const std::optional<Json> body = ParseStrictJson(request.body);
  if (!body) return Refuse(400, "the body is not JSON");
  std::vector<Fault> faults;
  for (const Json& json : body->is_array() ? *body : Json::array({*body})) {
    absl::StatusOr<Fault> fault = ParseFault(json);
    if (!fault.ok()) return Refuse(400, fault.status().message());
    faults.push_back(*std::move(fault));
  }
  for (Fault& fault : faults) actions.add_fault(std::move(fault));
  return Reply(200, {{"added", faults.size()}});
}

}  // namespace

HttpReply HandleControl(const HttpRequest& request, const ControlActions& actions) {
  const std::string& method = request.method;
  if (request.path == kCounters) {
    return method == "GET" ? GetCounters(actions) : Refuse(405, "GET only");
  }
  if (request.path == kFaults && method == "POST") return PostFaults(request, actions);
  if (request.path == kFaults && method == "DELETE") {
    actions.clear_faults();
    return Reply(200, Json::object());
  }
  if (request.path == kFaults) return Refuse(405, "POST and DELETE only");
  if (request.path == kReset) {
    if (method != "POST") return Refuse(405, "POST only");
    actions.reset();
    return Reply(200, Json::object());
  }
  return Refuse(404, "no such control");
}

}  // namespace tokensvc::devauth
