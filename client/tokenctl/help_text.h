// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_HELP_TEXT_H_
#define TOKENSVC_CLIENT_TOKENCTL_HELP_TEXT_H_

namespace tokensvc::tokenctl {

inline constexpr char kDescription[] =
    "tokenctl asks a Token Service for OAuth 2.0 app tokens and headers, and tells whether it is "
    "well.\n"
    "You name a client registration of the service's configuration; credentials stay with the "
    "service.";

inline constexpr char kFooter[] =
    R"(Examples:
  # Is the service there, healthy, and able to get a token for "orders"?
  tokenctl check --registration orders --scope https://graph.microsoft.com/.default

  # A token, shown decoded (claims, expiry, where it came from), never verbatim.
  tokenctl acquire --registration orders --scope https://graph.microsoft.com/.default

  # The token itself, for a script.
  tokenctl acquire --registration orders --scope api://billing/.default \
    --output json --show-token | jq -r .access_token.value

  # In one customer tenant; and after a resource answered 401 with a claims challenge.
  tokenctl acquire --registration orders --tenant contoso.onmicrosoft.com \
    --scope https://graph.microsoft.com/.default --claims-challenge @challenge.json

  # A service on another machine, with a private CA.
  tokenctl --address tokens.example.com:7443 --tls --ca-file ca.pem health

  # What is in this token?
  tokenctl decode token.txt

Exit codes:
  0  done
  1  the server refused the call, or is not healthy
  2  the command line, or a file that it names, is wrong
  3  no Token Service answered: connection, TLS, or time-out

With --output json, results and errors are one JSON document on stdout ({"error": ...} for an error).
`tokenctl COMMAND --help` lists the options of a command; options before and after it are the same.)";

inline constexpr char kAcquireHelp[] =
    "Acquire an app token (client credentials) and show it decoded";
inline constexpr char kHeaderHelp[] = "Get the headers to set on a request to a resource";
inline constexpr char kHealthHelp[] = "Ask whether the server is live and ready";
inline constexpr char kCheckHelp[] =
    "Look at a server from outside, step by step: reached, live, ready, services by reflection, "
    "and with "
    "--registration and --scope a token; one line for each";
inline constexpr char kDecodeHelp[] =
    "Show header and claims of a JWT from a file or standard input; the signature is NOT verified";

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_HELP_TEXT_H_
