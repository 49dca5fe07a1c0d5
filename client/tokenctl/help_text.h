// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_HELP_TEXT_H_
#define TOKENSVC_CLIENT_TOKENCTL_HELP_TEXT_H_

namespace tokensvc::tokenctl {

inline constexpr char kDescription[] =
    "tokenctl asks a Token Service for OAuth 2.0 app tokens and headers, tells whether it is well, "
    "and\n"
    "administers it.\n"
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

  # As somebody: with a client certificate, or with a JWT, as the server's listener asks for it.
  tokenctl --address tokens.example.com:8443 --tls --ca-file ca.pem \
    --client-certificate me.pem --client-key me.key check
  tokenctl --address tokens.example.com:8444 --tls --ca-file ca.pem \
    --jwt-file <(kubectl create token orders --audience tokensvc) check

  # A Unix socket: whoever may open it is the caller that its listener names.
  tokenctl --address unix:/run/tokensvc/grpc.sock health

  # What is in this token?
  tokenctl decode token.txt

  # Why was this caller denied? What does this replica hold? (`tokenctl admin --help`)
  tokenctl --address unix:/run/tokensvc/admin.sock explain --caller spiffe://prod.example/cart \
    --registration orders --scope https://graph.microsoft.com/.default
  tokenctl --address unix:/run/tokensvc/admin.sock admin cache

  # The keys that replicas share a Redis with (`tokenctl keys --help` has the rotation).
  tokenctl keys new --ring sealing --out sealing.keys
  tokenctl keys new --ring index --out index.keys

Exit codes:
  0  done
  1  the server refused the call, is not healthy, or the answer is no (explain, test-policy, reload)
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

inline constexpr char kKeysHelp[] =
    "Make, rotate and check the files of the keys that replicas share: no server is asked, and no "
    "key is ever printed";
inline constexpr char kKeysNewHelp[] =
    "With --ring, make a key file (mode 0600) with one primary key; to a file that exists, add a "
    "pending one";
inline constexpr char kKeysPromoteHelp[] =
    "Make the oldest pending key of a file the primary one, and the primary one retired";
inline constexpr char kKeysDropRetiredHelp[] =
    "Remove the retired keys of a file: what they sealed or named is then fetched anew";
inline constexpr char kKeysCheckHelp[] =
    "Say whether the service would take these files, and which keys are in them, by id and state";

inline constexpr char kKeysFooter[] =
    R"(The service needs two key files to share tokens through Redis (cache.redis.sealing_keys_file and
cache.redis.index_keys_file), the same two for every replica: the sealing keys encrypt what lies in
Redis, the index keys make the names under which it lies there. A file has a line STATE ID KEY for
each key, and must not be readable by others. Replicas follow a file that changes; no restart.

First:
  tokenctl keys new --ring sealing --out sealing.keys
  tokenctl keys new --ring index --out index.keys
  ... and give both to all replicas.

To rotate one of them, sealing.keys say, without a failed call:
  1. tokenctl keys new --out sealing.keys      adds a pending key: bring the file to ALL replicas.
  2. tokenctl keys promote sealing.keys        the new key seals, the old one still opens: bring it
                                               to all replicas, one after the other.
  3. When all tokens from before step 2 have expired (a day later, to be safe), and the metric
     tokensvc_records_opened_total of the old key's id stands still:
     tokenctl keys drop-retired sealing.keys   and bring the file to all replicas.
  `tokenctl keys check sealing.keys` shows where you are. The last retired line of the index keys is
  the one that is still looked under; for each token that is not found there, a replica asks the
  authority once.

A key that has leaked: do the three steps without waiting for tokens to expire, but each on all
replicas (they log key_files_reloaded) before the next one. Tokens are then fetched anew; nobody is
refused.)";

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_HELP_TEXT_H_
