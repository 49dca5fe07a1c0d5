// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_APP_TOKEN_SOURCE_METRICS_H_
#define TOKENSVC_SERVICE_SOURCE_APP_TOKEN_SOURCE_METRICS_H_

#include "base/metrics.h"
#include "service/source/app_token_source.h"

namespace tokensvc {

/// What an AppTokenSource counts. Thread-safe.
struct AppTokenSource::Metrics {
  explicit Metrics(MetricRegistry& registry)
      : local_hits(registry.AddCounter("tokensvc_cache_lookups_total",
                                       "Look-ups of tokens, by where the answer was found.",
                                       {{"found", "local"}})),
        shared_hits(registry.AddCounter("tokensvc_cache_lookups_total",
                                        "Look-ups of tokens, by where the answer was found.",
                                        {{"found", "shared"}})),
        shared_failures(registry.AddCounter(
            "tokensvc_shared_cache_failures_total",
            "Look-ups and stores that the shared cache did not do. Each costs a request to the "
            "authority at most.")),
        misses(registry.AddCounter("tokensvc_cache_lookups_total",
                                   "Look-ups of tokens, by where the answer was found.",
                                   {{"found", "none"}})),
        flights(
            registry.AddCounter("tokensvc_flights_total",
                                "Attempts to get a token, each for all calls that wait for it.")),
        refreshes(registry.AddCounter("tokensvc_proactive_refreshes_total",
                                      "Refreshes that were started behind an answer.")),
        same_token(
            registry.AddCounter("tokensvc_same_token_returned_total",
                                "Refreshes to which the authority answered the token that was "
                                "cached already.")),
        failed_fast(registry.AddCounter("tokensvc_failed_fast_total",
                                        "Flights that ended with a remembered failure, without a "
                                        "request to the authority.")),
        turned_away(registry.AddCounter("tokensvc_waiting_calls_refused_total",
                                        "Calls that found no place to wait, by whose bound it was.",
                                        {{"bound", "replica_or_tenant"}})),
        turned_away_by_caller(registry.AddCounter(
            "tokensvc_waiting_calls_refused_total",
            "Calls that found no place to wait, by whose bound it was.", {{"bound", "caller"}})),
        purged_flights(registry.AddCounter(
            "tokensvc_purged_flights_total",
            "Tokens that were purged while they were asked for, and were asked for again.")) {}
  Counter& local_hits;
  Counter& shared_hits;
  Counter& shared_failures;
  Counter& misses;
  Counter& flights;
  Counter& refreshes;
  Counter& same_token;
  Counter& failed_fast;
  Counter& turned_away;
  Counter& turned_away_by_caller;
  Counter& purged_flights;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_APP_TOKEN_SOURCE_METRICS_H_
