// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "client/tokenctl/commands.h"
#include "client/tokenctl/connection.h"
#include "client/tokenctl/row_text.h"
#include "client/tokenctl/terminal_text.h"

namespace tokensvc::tokenctl {

ExitCode RunHealth(const Options& options, const ChannelPtr& channel, const Console& console) {
  std::string text;
  Json json = Json::object();
  bool all_serving = true;
  for (const std::string& service : options.health_services) {
    grpc::health::v1::HealthCheckResponse response;
    const grpc::Status status =
        CheckHealth(channel, service, options.connection.timeout, &response);
    std::string state;
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
      state = "SERVICE_UNKNOWN";  // The health protocol's way to say so.
    } else if (!status.ok()) {
      return Fail(status, options, console);
    } else {
      state = grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status());
      if (state.empty()) state = "UNKNOWN";
    }
    all_serving = all_serving && state == "SERVING";
    AppendRow(service, state, &text);
    json["health"][service] = state;
  }
  console.out << (options.output == OutputFormat::kJson ? JsonText(json) + "\n" : text);
  return all_serving ? kExitOk : kExitRefused;
}

}  // namespace tokensvc::tokenctl
