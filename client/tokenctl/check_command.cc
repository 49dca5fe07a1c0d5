// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/json.h"
#include "client/tokenctl/commands.h"
#include "client/tokenctl/connection.h"
#include "client/tokenctl/printing.h"
#include "client/tokenctl/reason_advice.h"
#include "client/tokenctl/terminal_text.h"

namespace tokensvc::tokenctl {
namespace {

/// The lines of the report, in the order in which they were found.
class Report {
 public:
  void Ok(const char* step, const std::string& what) { Add("ok", step, what); }
  void Skip(const char* step, const std::string& what) { Add("skip", step, what); }

  void Fail(const char* step, const std::string& what) {
    failed_ = true;
    Add("FAIL", step, what);
  }

  /// A failure with its error; `--output json` gets the short form too, `acquire` has the long one.
  void Fail(const char* step, const grpc::Status& status) {
    const CallError error = ReadError(status);
    Fail(step, absl::StrCat(StatusName(error.code), error.reason.empty() ? "" : " ", error.reason,
                            ": ", error.message));
    const absl::string_view advice = AdviceForReason(error.reason);
    Add("", "", std::string(advice.empty() ? AdviceForStatus(error.code) : advice));
    if (!error.correlation_id.empty()) Add("", "", "correlation id " + error.correlation_id);
  }

  bool failed() const { return failed_; }

  void Write(OutputFormat format, std::ostream* out) const {
    Json json;
    json["ok"] = !failed_;
    json["checks"] = Json::array();
    for (const Line& line : lines_) {
      if (format == OutputFormat::kText) {
        *out << absl::StrFormat("%-4s  %-8s  %s\n", line.result, line.step,
                                EscapeForTerminal(line.what));
      } else if (line.step.empty()) {
        json["checks"].back()["notes"].push_back(line.what);
      } else {
        json["checks"].push_back(
            Json::object({{"result", line.result}, {"step", line.step}, {"what", line.what}}));
      }
    }
    if (format == OutputFormat::kJson) *out << JsonText(json) << "\n";
  }

 private:
  struct Line {
    std::string result;
    std::string step;
    std::string what;
  };

  void Add(const char* result, const char* step, const std::string& what) {
    lines_.push_back({result, step, what});
  }

  bool failed_ = false;
  std::vector<Line> lines_;
};

std::string WayOf(const ConnectionOptions& connection) {
  return absl::StrCat(connection.tls ? "TLS" : "plaintext",
                      connection.client_certificate.empty() ? "" : " with your certificate",
                      connection.jwt_file.empty() ? "" : " with your JWT");
}

void ReportHealth(const char* service, const grpc::Status& status,
                  const grpc::health::v1::HealthCheckResponse& response, Report* report) {
  if (!status.ok()) {
    report->Fail(service, status);
  } else if (response.status() == grpc::health::v1::HealthCheckResponse::SERVING) {
    report->Ok(service, "SERVING");
  } else {
    report->Fail(service, "not serving: the server's log and metrics say why");
  }
}

void CheckServices(const Options& options, const ChannelPtr& channel, Report* report) {
  std::vector<std::string> services;
  const grpc::Status status = ListServices(channel, options.connection.timeout, &services);
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    report->Skip("services", "reflection is off on this listener");
  } else if (!status.ok()) {
    report->Fail("services", status);
  } else if (std::none_of(services.begin(), services.end(), [](const std::string& service) {
               return service == "tokensvc.v1.TokenService" ||
                      service == "tokensvc.admin.v1.AdminService";
             })) {
    report->Fail("services",
                 "neither tokensvc.v1.TokenService nor tokensvc.admin.v1.AdminService "
                 "is among " +
                     absl::StrJoin(services, ", "));
  } else {
    report->Ok("services", absl::StrJoin(services, ", "));
  }
}

void CheckAcquire(const Options& options, const ChannelPtr& channel, const Console& console,
                  Report* report) {
  if (options.acquire.registration.empty()) {
    report->Skip("acquire", "name a registration to try: --registration NAME --scope SCOPE");
    return;
  }
  v1::AcquireForClientResponse response;
  const grpc::Status status = CallAcquire(options, channel, &response);
  if (!status.ok()) {
    report->Fail("acquire", status);
    return;
  }
  report->Ok("acquire", absl::StrCat("a token from: ", SourceName(response.source()), "; expires ",
                                     TimeText(ToTime(response.access_token().expires_at()),
                                              console.clock.Now()),
                                     "; correlation id ", response.correlation_id()));
}

}  // namespace

ExitCode RunCheck(const Options& options, const ChannelPtr& channel, const Console& console) {
  Report report;
  const BootTime start = console.clock.Boot();
  grpc::health::v1::HealthCheckResponse live;
  const grpc::Status status = CheckHealth(channel, "live", options.connection.timeout, &live);
  // Any answer, a refusal too, says that something speaks gRPC there.
  if (!status.ok() && ExitCodeOf(ReadError(status)) == kExitUnreachable) {
    report.Fail("reach", status);
    report.Write(options.output, &console.out);
    return kExitUnreachable;
  }
  report.Ok("reach",
            absl::StrCat(
                options.connection.address, " answers gRPC over ", WayOf(options.connection), ", ",
                absl::FormatDuration(absl::Trunc(absl::FromChrono(console.clock.Boot() - start),
                                                 absl::Microseconds(100)))));
  ReportHealth("live", status, live, &report);
  grpc::health::v1::HealthCheckResponse ready;
  const grpc::Status ready_status =
      CheckHealth(channel, "ready", options.connection.timeout, &ready);
  ReportHealth("ready", ready_status, ready, &report);
  CheckServices(options, channel, &report);
  CheckAcquire(options, channel, console, &report);
  report.Write(options.output, &console.out);
  return report.failed() ? kExitRefused : kExitOk;
}

}  // namespace tokensvc::tokenctl
