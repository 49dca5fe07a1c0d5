// SPDX-License-Identifier: Apache-2.0
#include "service/server.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "asio/post.hpp"
#include "base/clock.h"
#include "base/event_loop.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/worker_pool.h"
#include "cache/local_cache.h"
#include "cache/purge_epochs.h"
#include "cache/seal/purge_namer.h"
#include "service/access/caller_quotas.h"
#include "service/access/forced_refresh_budget.h"
#include "service/access/policy_holder.h"
#include "service/admin_parts.h"
#include "service/authority/authority_metadata.h"
#include "service/config/effective_config.h"
#include "service/credential/credential_environment.h"
#include "service/credential/managed_identity_assertion.h"
#include "service/credential/managed_identity_client.h"
#include "service/grant/grant_engine.h"
#include "service/http/curl_http_transport.h"
#include "service/listener_parts.h"
#include "service/make_audit.h"
#include "service/make_directory.h"
#include "service/make_jwt_authenticator.h"
#include "service/make_policy.h"
#include "service/readiness.h"
#include "service/rpc/caller_resolver.h"
#include "service/rpc/directory_holder.h"
#include "service/rpc/drain_gate.h"
#include "service/rpc/gated_token_service.h"
#include "service/rpc/listener.h"
#include "service/rpc/rpc_metrics.h"
#include "service/rpc/token_service.h"
#include "service/shared_cache.h"
#include "service/source/app_token_source.h"
#include "service/source/token_purger.h"
#include "service/telemetry/prometheus_exporter.h"

namespace tokensvc {
namespace {

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// Signatures take 0.4 ms: a queue of this length is a second and a half of work for two threads.
constexpr std::size_t kMaxQueuedWork = 8192;

// For who watches our health to go elsewhere, while everybody is still served.
constexpr absl::Duration kLameDuck = absl::Milliseconds(200);
// For the calls of everybody else to arrive, so that none meets the goodbye on its way.
constexpr absl::Duration kHold = absl::Milliseconds(100);
// For the goodbye to reach the clients.
constexpr absl::Duration kGoodbye = absl::Milliseconds(100);
constexpr absl::Duration kPoll = absl::Milliseconds(5);

CurlHttpTransport::Options TransportOptions(const config::v1::ServiceConfig& config,
                                            HttpMetrics& metrics) {
  CurlHttpTransport::Options options;
  options.max_connections_per_host = config.http().max_connections_per_host();
  options.max_connections = 8 * options.max_connections_per_host;
  options.max_pending_requests = config.http().max_pending_requests();
  options.connect_timeout = FromProto(config.http().connect_timeout());
  options.metrics = &metrics;
  return options;
}

AppTokenSource::Options SourceOptions(const config::v1::ServiceConfig& config) {
  AppTokenSource::Options options;
  options.max_waiting_calls = config.limits().max_waiting_calls();
  const config::v1::AuthorityBudget& budget = config.limits().authority_budget();
  options.authority_budget = {static_cast<int>(budget.requests_per_minute()),
                              static_cast<int>(budget.forced_refreshes_per_minute())};
  return options;
}

CallerQuota StandardQuota(const config::v1::Limits& limits) {
  const config::v1::StandardQuota& standard = limits.caller_quota();
  return {standard.calls_per_second(), standard.burst(), standard.concurrent_calls()};
}

LocalCache::Options CacheOptions(const config::v1::ServiceConfig& config, MetricRegistry& metrics,
                                 const PurgeEpochs& purges) {
  LocalCache::Options options;
  options.max_bytes = config.cache().local().max_size();
  options.tenant_share_percent = static_cast<int>(config.cache().local().tenant_share_percent());
  options.metrics = &metrics;
  options.purges = &purges;
  return options;
}

/// One event loop and the adapters that belong to it.
struct LoopParts {
  LoopParts(const config::v1::ServiceConfig& config, const Clock& clock, Logger& logger,
            HttpMetrics& http_metrics, AuthorityMetrics& authority_metrics,
            GrantMetrics& grant_metrics, WorkerPool& workers,
            ManagedIdentityMetrics& identity_metrics, std::atomic<std::uint64_t>& generations,
            LocalRateBudget& budget_of_replica, SharedCache* shared_cache)
      : transport(loop.context(), TransportOptions(config, http_metrics)),
        metadata(transport, clock, logger, authority_metrics),
        identities({transport, clock, workers, logger, identity_metrics}),
        engine({transport, metadata, identities, clock, logger, grant_metrics}),
        local_leases(generations),
        own_budget(budget_of_replica) {
    if (shared_cache != nullptr) shared = shared_cache->Open(loop);
  }

  RateBudget& budget() { return shared == nullptr ? own_budget : shared->budget(); }
  SharedStore& store() { return shared == nullptr ? no_store : shared->store(); }
  LeaseManager& leases() { return shared == nullptr ? local_leases : shared->leases(); }

  EventLoop loop;
  CurlHttpTransport transport;
  AuthorityMetadata metadata;
  ManagedIdentityClient identities;
  GrantEngine engine;
  NoSharedStore no_store;
  LocalLeases local_leases;
  LocalRateBudget& own_budget;
  std::unique_ptr<SharedCache::OfLoop> shared;  ///< Null: this replica shares nothing.
};

}  // namespace

/// Everything, in the order in which it is made; it ends in the opposite order.
struct Server::Parts {
  Parts(const config::v1::ServiceConfig& start_config, const Clock& start_clock,
        Logger& start_logger)
      : at_start(start_config),
        config(start_config),
        clock(start_clock),
        logger(start_logger),
        http_metrics(registry),
        authority_metrics(registry),
        grant_metrics(registry),
        credential_metrics(registry, clock),
        identity_metrics(registry),
        rpc_metrics(registry),
        jwt_metrics(registry),
        issuer_keys_metrics(registry),
        workers(config.server().worker_threads(), kMaxQueuedWork),
        environment{clock, random, workers, logger, credential_metrics},
        cache(CacheOptions(config, registry, purges)),
        quotas(StandardQuota(config.limits()), registry),
        forced_budget(static_cast<int>(config.limits().forced_refreshes_per_minute())) {}

  /// Makes what waits: the shared cache, the loops, and the source of tokens on them.
  absl::Status StartLoops() {
    if (config.cache().has_redis()) {
      absl::StatusOr<std::unique_ptr<SharedCache>> made =
          SharedCache::Make(config.cache().redis(),
                            {clock, random, logger, registry, workers, readiness, budget, purges});
      if (!made.ok()) return made.status();
      shared_cache = *std::move(made);
    }
    std::vector<AppTokenSource::Worker> lanes;
    for (unsigned i = 0; i < config.server().loops(); ++i) {
      loops.push_back(std::make_unique<LoopParts>(
          config, clock, logger, http_metrics, authority_metrics, grant_metrics, workers,
          identity_metrics, generations, budget, shared_cache.get()));
      LoopParts& parts = *loops.back();
      lanes.push_back(
          {&parts.loop, &parts.engine, &parts.store(), &parts.leases(), &parts.budget()});
    }
    LoopParts& home = *loops.front();
    assertions = std::make_unique<ManagedIdentityAssertions>(ManagedIdentityAssertion::Dependencies{
        home.loop.context().get_executor(), home.identities, clock, random});
    if (shared_cache == nullptr) {
      own_keys = std::make_unique<FixedKeyRings>(
          KeyRings{KeyRing::MakeRandom(KeyPurpose::kSealing, random),
                   KeyRing::MakeRandom(KeyPurpose::kIndex, random)});
      own_namer = std::make_unique<PurgeNamer>(*own_keys, /*keyspace=*/"");
    }
    PurgeNamer& namer = shared_cache == nullptr ? *own_namer : shared_cache->purge_namer();
    const AppTokenSource::Dependencies dependencies{cache,  failures, clock,   random,
                                                    logger, registry, &purges, &namer};
    source =
        std::make_unique<AppTokenSource>(SourceOptions(config), dependencies, std::move(lanes));
    purger = std::make_unique<TokenPurger>(
        TokenPurger::Dependencies{purges, namer, failures, logger,
                                  [this] { return directory.Current(); }, shared_cache.get()});
    return absl::OkStatus();
  }

  void MakeAdmin(ReloadRequests* reloads) {
    auto shared = [this]() -> std::optional<ServerAdmin::SharedView> {
      if (shared_cache == nullptr) return std::nullopt;
      return ServerAdmin::SharedView{shared_cache->key_rings(), shared_cache->degraded()};
    };
    auto record = [this](const AdminAction& action, std::function<void(bool)> then) {
      RecordAdminAction(action, audit, clock, std::move(then));
    };
    admin = std::make_unique<AdminParts>(
        AdminParts::Environment{clock, logger, registry, cache, failures, policy, *purger,
                                std::move(shared), reloads, std::move(record)});
    admin->SetConfig(at_start, config, policy.Get());
  }

  /// How callers are known at a listener.
  std::unique_ptr<CallerResolver> MakeCallers(const config::v1::Listener& listener,
                                              const ListenerParts& of_listener) {
    if (listener.has_client_certificates()) {
      return std::make_unique<CertificateCallerResolver>(*of_listener.callers);
    }
    if (listener.has_jwt()) {
      auto by_jwt = std::make_unique<JwtCallerResolver>(
          jwt_issuers.AuthenticatorFor(listener.jwt(), clock, jwt_metrics));
      if (of_listener.callers == nullptr) return by_jwt;
      return std::make_unique<CertifiedProxyResolver>(*of_listener.callers, std::move(by_jwt));
    }
    return std::make_unique<FixedCaller>(Caller{absl::StrCat("local:", listener.identity())});
  }

  /// What a listener serves.
  grpc::Service& AddService(const config::v1::Listener& listener,
                            TokenServiceHandler::Options options, CallerResolver& of) {
    if (listener.serves() == config::v1::SERVES_ADMIN) {
      return admin->AddService({options.default_deadline, options.max_deadline}, of);
    }
    options.listener = listener.name();
    const TokenServiceHandler::Dependencies dependencies{
        directory, policy, quotas,      forced_budget,   *source,
        clock,     logger, rpc_metrics, audit.log.get(), audit.fingerprinter.get()};
    handlers.push_back(std::make_unique<TokenServiceHandler>(options, dependencies, of));
    services.push_back(std::make_unique<GatedTokenService>(*handlers.back(), gate, rpc_metrics));
    return *services.back();
  }

  ~Parts() {
    exporter.reset();
    readiness.End();
    // Calls that still wait are answered, or else the listeners would wait for them.
    gate.Close();
    gate.Dismiss();
    if (source != nullptr) source->Abandon();
    listeners.clear();
    // No coroutine runs any more once its loop has stopped, so what they use can go in any order.
    for (const auto& parts : loops) parts->loop.Stop();
    // And no worker reports back to a loop that is gone.
    workers.Join();
  }

  const config::v1::ServiceConfig at_start;  ///< What listeners, caches and threads were made of.
  config::v1::ServiceConfig config;          ///< What is in force.
  const Clock& clock;
  Logger& logger;
  SystemRandom random;
  MetricRegistry registry;
  HttpMetrics http_metrics;
  AuthorityMetrics authority_metrics;
  GrantMetrics grant_metrics;
  CredentialMetrics credential_metrics;
  ManagedIdentityMetrics identity_metrics;
  RpcMetrics rpc_metrics;
  JwtMetrics jwt_metrics;
  IssuerKeysMetrics issuer_keys_metrics;
  WorkerPool workers;
  CredentialEnvironment environment;
  PurgeEpochs purges;
  LocalCache cache;
  FailureMemory failures;
  LocalRateBudget budget{clock};  ///< What this replica asks of authorities.
  CallerQuotas quotas;
  ForcedRefreshBudget forced_budget;
  PolicyHolder policy;
  AuditParts audit;  ///< Outlives all that answers calls.
  std::atomic<std::uint64_t> generations{0};
  DirectoryHolder directory;
  Readiness readiness{listeners, logger};
  std::unique_ptr<SharedCache> shared_cache;  ///< Null: this replica shares nothing.
  /// The first is home to what all share: it ends first, with whoever of the others waits there.
  std::vector<std::unique_ptr<LoopParts>> loops;
  std::unique_ptr<ManagedIdentityAssertions> assertions;
  /// Of a replica that shares nothing.
  std::unique_ptr<FixedKeyRings> own_keys;
  std::unique_ptr<PurgeNamer> own_namer;
  std::unique_ptr<AppTokenSource> source;
  std::unique_ptr<TokenPurger> purger;
  DrainGate gate;
  JwtIssuers jwt_issuers;
  std::vector<ListenerParts> listener_parts;
  std::vector<std::unique_ptr<CallerResolver>> callers;  ///< One of each listener.
  std::unique_ptr<AdminParts> admin;
  std::vector<std::unique_ptr<TokenServiceHandler>> handlers;
  std::vector<std::unique_ptr<GatedTokenService>> services;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::unique_ptr<PrometheusExporter> exporter;
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const config::v1::ServiceConfig& config,
                                                      const Clock& clock, Logger& logger,
                                                      ReloadRequests* reloads) {
  auto parts = std::make_unique<Parts>(config, clock, logger);
  absl::StatusOr<AuditParts> audit =
      MakeAudit(config, {clock, logger, parts->random, parts->registry});
  if (!audit.ok()) return audit.status();
  parts->audit = *std::move(audit);
  if (const absl::Status started = parts->StartLoops(); !started.ok()) return started;
  absl::StatusOr<std::shared_ptr<const Directory>> directory =
      MakeDirectory(config, parts->environment, *parts->assertions);
  if (!directory.ok()) return directory.status();
  parts->directory.Set(*std::move(directory));
  absl::StatusOr<std::shared_ptr<const CompiledPolicy>> policy = MakePolicy(config);
  if (!policy.ok()) return policy.status();
  parts->policy.Set(*std::move(policy));
  parts->MakeAdmin(reloads);
  LoopParts& home = *parts->loops.front();
  absl::StatusOr<JwtIssuers> issuers =
      JwtIssuers::Make(config, {{home.loop.context(), clock, logger, parts->issuer_keys_metrics},
                                home.transport,
                                parts->workers});
  if (!issuers.ok()) return issuers.status();
  parts->jwt_issuers = *std::move(issuers);

  TokenServiceHandler::Options handler_options;
  handler_options.default_deadline = FromProto(config.limits().default_deadline());
  handler_options.max_deadline = FromProto(config.limits().max_deadline());
  for (const config::v1::Listener& listener : config.listeners()) {
    absl::StatusOr<ListenerParts> made = MakeListenerParts(
        listener, handler_options.max_deadline, parts->clock, parts->logger, parts->registry);
    if (!made.ok()) return made.status();
    parts->listener_parts.push_back(*std::move(made));
    parts->callers.push_back(parts->MakeCallers(listener, parts->listener_parts.back()));
    grpc::Service& service = parts->AddService(listener, handler_options, *parts->callers.back());
    absl::StatusOr<std::unique_ptr<Listener>> started =
        Listener::Start(parts->listener_parts.back().options, service);
    if (!started.ok()) return started.status();
    logger.Info("listening", {{"listener", listener.name()},
                              {"address", (*started)->bound_address()},
                              {"tls", listener.has_tls()}});
    parts->listeners.push_back(*std::move(started));
  }
  if (config.has_metrics()) {
    absl::StatusOr<std::unique_ptr<PrometheusExporter>> exporter =
        PrometheusExporter::Start(config.metrics().address(), parts->registry);
    if (!exporter.ok()) return exporter.status();
    parts->exporter = *std::move(exporter);
  }
  if (parts->shared_cache != nullptr) parts->shared_cache->AwaitClockCheck();
  parts->readiness.Started();
  logger.Info("ready", {{"registrations", config.registrations_size()}});
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

absl::Status Server::Reload(const config::v1::ServiceConfig& config) {
  // Files of secrets and certificates are followed anyway, whatever happens here.
  if (google::protobuf::util::MessageDifferencer::Equals(config, parts_->config)) {
    parts_->logger.Info("configuration_unchanged");
    return absl::OkStatus();
  }
  absl::StatusOr<std::shared_ptr<const Directory>> directory =
      MakeDirectory(config, parts_->environment, *parts_->assertions);
  if (!directory.ok()) return directory.status();
  absl::StatusOr<std::shared_ptr<const CompiledPolicy>> policy = MakePolicy(config);
  if (!policy.ok()) return policy.status();
  parts_->directory.Set(*std::move(directory));
  parts_->policy.Set(*std::move(policy));
  parts_->admin->SetConfig(parts_->at_start, config, parts_->policy.Get());
  // What was refused before may have been mended by this very change.
  parts_->failures.ForgetRefusals();

  parts_->config = config;
  parts_->logger.Info("configuration_reloaded",
                      {{"registrations", config.registrations_size()},
                       {"needs_restart", NeedsRestart(parts_->at_start, config)}});
  return absl::OkStatus();
}

void Server::ReopenAuditLog() {
  if (parts_->audit.log != nullptr) parts_->audit.log->Reopen();
}

void Server::Poll() {
  for (const ListenerParts& each : parts_->listener_parts) {
    if (each.certificates != nullptr) each.certificates->Poll();
  }
}

void Server::Drain() {
  const absl::Duration grace = FromProto(parts_->config.server().drain_timeout());
  DrainGate& gate = parts_->gate;
  parts_->logger.Info("draining", {{"seconds", absl::ToDoubleSeconds(grace)}});
  parts_->readiness.End();
  // Calls that still wait when the time is up are answered, so that every listener comes to its
  // end.
  asio::io_context& timers = parts_->loops.front()->loop.context();
  auto time_is_up = std::make_shared<asio::steady_timer>(timers, absl::ToChronoNanoseconds(grace));
  time_is_up->async_wait([this, time_is_up](const asio::error_code& cancelled) {
    if (!cancelled) parts_->source->Abandon();
  });
  absl::SleepFor(std::min(kLameDuck, grace));
  gate.Close();
  absl::SleepFor(std::min(kHold, grace));

  std::atomic<std::size_t> open{parts_->listeners.size()};
  std::vector<std::thread> shutdowns;
  for (const auto& listener : parts_->listeners) {
    shutdowns.emplace_back([&listener, &open, grace] {
      listener->Shutdown(grace + absl::Seconds(1));
      open.fetch_sub(1);
    });
  }
  absl::SleepFor(kGoodbye);
  gate.Dismiss();
  // Ends by itself at the latest when the shutdowns' time is up. Streams of health and reflection,
  // and clients that do not take their goodbye, are no reason to wait for that.
  while (open.load() > 0 && !gate.Idle()) absl::SleepFor(kPoll);
  if (open.load() > 0) absl::SleepFor(kGoodbye);
  for (const auto& listener : parts_->listeners) listener->CloseConnections();
  for (std::thread& shutdown : shutdowns) shutdown.join();
  asio::post(timers, [time_is_up] { time_is_up->cancel(); });
}

Purger& Server::purger() { return *parts_->purger; }

std::vector<std::pair<std::string, std::string>> Server::Addresses() const {
  std::vector<std::pair<std::string, std::string>> addresses;
  for (const auto& listener : parts_->listeners) {
    addresses.emplace_back(listener->name(), listener->bound_address());
  }
  if (parts_->exporter != nullptr) {
    addresses.emplace_back("metrics", parts_->exporter->bound_address());
  }
  return addresses;
}

}  // namespace tokensvc
