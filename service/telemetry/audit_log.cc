// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/audit_log.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "base/mutex.h"
#include "service/telemetry/allow_coalescer.h"
#include "service/telemetry/audit_writer.h"
#include "service/telemetry/denial_limiter.h"
#include "service/telemetry/stored_audit_record.h"

namespace tokensvc {
namespace {

// How long records wait for others to be written with.
constexpr absl::Duration kTick = absl::Milliseconds(100);
// Between attempts while a sink does not work.
constexpr std::chrono::milliseconds kRetryAfter{250};
constexpr absl::Duration kLastWords = absl::Seconds(2);

// Why records are missing.
constexpr absl::string_view kQueueFull = "queue_full";
constexpr absl::string_view kSinkFailed = "sink_failed";
constexpr absl::string_view kNotAcknowledged = "not_acknowledged";
constexpr absl::string_view kDenialLimit = "denial_limit";

/// The same text, which lives for ever.
absl::string_view GapReason(absl::string_view text) {
  for (const absl::string_view known : {kQueueFull, kNotAcknowledged, kDenialLimit}) {
    if (text == known) return known;
  }
  return kSinkFailed;
}

std::string MakeRun(RandomGenerator& random) {
  std::string bytes(4, '\0');
  random.Fill(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size());
  return absl::BytesToHexString(bytes);
}

struct Missing {
  std::uint64_t count = 0;
  absl::Time first;
  absl::Time last;
};

AuditRecord GapRecord(absl::string_view reason, const Missing& missing, absl::string_view caller) {
  AuditRecord gap;
  gap.decision = AuditDecision::kGap;
  gap.reason = reason;
  gap.caller = caller;
  gap.count = missing.count;
  gap.time = missing.first;
  gap.until = missing.last;
  return gap;
}

}  // namespace

class AuditLog::State {
 public:
  State(const Options& options, const Dependencies& dependencies, std::unique_ptr<AuditSink> sink)
      : options_(options),
        deps_(dependencies),
        writer_(std::move(sink), MakeRun(dependencies.random)),
        window_began_(dependencies.clock.Boot()),
        limiter_(options.denials_per_caller, options.denials_in_total) {
    deps_.metrics.working.Set(1);
  }

  bool Count(const AuditRecord& record) { return Coalesces(record) && coalescer_.Count(record); }
  void Put(const AuditRecord& record, Acknowledged acknowledged);
  void Reopen();
  bool Flush(absl::Duration at_most);
  /// Whether the writer's thread came to its end.
  bool End();
  void EndDeadlines();

  void RunWriter();
  void RunDeadlines();

 private:
  struct Pending {
    std::uint64_t sequence;
    BootTime deadline;
    Acknowledged acknowledged;
  };
  /// What one turn of the writer is about.
  struct Round {
    bool ending = false;
    bool reopen = false;
    bool flush = false;
    std::uint64_t flush_number = 0;
    bool all() const { return ending || flush; }
  };

  bool Coalesces(const AuditRecord& record) const {
    return record.decision == AuditDecision::kAllow && !options_.fail_closed &&
           options_.coalesce_window > absl::ZeroDuration();
  }
  bool Reserve(std::size_t bytes);
  void Release(std::size_t bytes) {
    deps_.metrics.queue_bytes.Set(static_cast<double>(bytes_.fetch_sub(bytes) - bytes));
  }
  void Drop(absl::string_view reason, const AuditRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enqueue(StoredAuditRecord record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EnqueueGap(const AuditRecord& gap) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Pending> TakePending(std::uint64_t up_to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Acknowledge(std::vector<Pending> pending, const absl::Status& status);

  Round AwaitRound();
  /// Moves what is to be written to the writer; returns the last of its sequence numbers.
  std::uint64_t Gather(const Round& round);
  void ReopenSink();
  /// False where nobody waits for the writer any more.
  bool Account(const Round& round, const AuditWriter::Result& result, std::uint64_t last);
  void NoteStatus(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  /// Counts the backlog as missing.
  void GiveUpBacklog(absl::string_view reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const Dependencies deps_;
  AuditWriter writer_;  ///< Of the writer's thread alone, as are the two below.
  BootTime window_began_;
  BootTime retry_at_;
  AllowCoalescer coalescer_;
  DenialLimiter limiter_;
  std::atomic<std::size_t> bytes_{0};

  Mutex mutex_;
  CondVar changed_;   ///< For the writer.
  CondVar answered_;  ///< For who waits for the writer.
  CondVar pending_changed_;
  std::vector<StoredAuditRecord> queue_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<absl::string_view, Missing> missing_ ABSL_GUARDED_BY(mutex_);
  std::deque<Pending> pending_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t refused_up_to_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stuck_ ABSL_GUARDED_BY(mutex_) = false;  ///< Fail closed: a deadline passed in this round.
  bool working_ ABSL_GUARDED_BY(mutex_) = true;
  bool hurry_ ABSL_GUARDED_BY(mutex_) = false;
  bool reopen_ ABSL_GUARDED_BY(mutex_) = false;
  std::uint64_t flush_asked_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t flush_done_ ABSL_GUARDED_BY(mutex_) = 0;
  bool clean_ ABSL_GUARDED_BY(mutex_) = true;  ///< The last flush left nothing.
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  /// Nobody waits for the writer, and what is others' may be gone.
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool deadlines_ending_ ABSL_GUARDED_BY(mutex_) = false;
};

bool AuditLog::State::Reserve(std::size_t bytes) {
  if (bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= options_.max_queue_bytes) {
    return true;
  }
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

void AuditLog::State::Drop(absl::string_view reason, const AuditRecord& record) {
  // A gap that can't be told now is told later.
  const bool gap = record.decision == AuditDecision::kGap;
  Missing& missing = missing_[gap ? GapReason(record.reason) : reason];
  const absl::Time last = std::max(record.time, record.until);
  missing.first = missing.count == 0 ? record.time : std::min(missing.first, record.time);
  missing.last = missing.count == 0 ? last : std::max(missing.last, last);
  missing.count += record.count;
  if (!gap) deps_.metrics.dropped.Increment(static_cast<std::int64_t>(record.count));
}

void AuditLog::State::Enqueue(StoredAuditRecord record) {
  record.set_sequence(++sequence_);
  queue_.push_back(std::move(record));
}

void AuditLog::State::EnqueueGap(const AuditRecord& gap) {
  StoredAuditRecord record(gap);
  bytes_.fetch_add(record.MemoryBytes());
  Enqueue(std::move(record));
}

void AuditLog::State::Put(const AuditRecord& record, Acknowledged acknowledged) {
  if (record.decision == AuditDecision::kDeny &&
      !limiter_.Admit(record.caller, deps_.clock.Boot(), record.time)) {
    deps_.metrics.denials_left_out.Increment();
    if (acknowledged) acknowledged(absl::OkStatus());
    return;
  }
  const auto reserve = [this](std::size_t bytes) { return Reserve(bytes); };
  if (Coalesces(record)) {
    if (coalescer_.Add(record, reserve) != AllowCoalescer::Outcome::kRefused) return;
    MutexLock lock(&mutex_);
    ++sequence_;
    return Drop(kQueueFull, record);
  }

  StoredAuditRecord stored(record);
  absl::Status refused;
  {
    MutexLock lock(&mutex_);
    if (stuck_) {
      refused = absl::UnavailableError("the audit log is stuck");
      ++sequence_;
      Drop(kNotAcknowledged, record);
    } else if (!Reserve(stored.MemoryBytes())) {
      refused = absl::ResourceExhaustedError("the audit log's queue is full");
      ++sequence_;
      Drop(kQueueFull, record);
    } else {
      Enqueue(std::move(stored));
      if (acknowledged) {
        const BootTime deadline = deps_.clock.Boot() + ToNanos(options_.acknowledge_within);
        pending_.push_back({sequence_, deadline, std::move(acknowledged)});
        if (pending_.size() == 1) pending_changed_.NotifyOne();
      }
      const bool much = bytes_.load(std::memory_order_relaxed) > options_.max_queue_bytes / 4;
      if (!hurry_ && (options_.fail_closed || (much && working_))) {
        hurry_ = true;
        changed_.NotifyOne();
      }
    }
    deps_.metrics.queue_bytes.Set(static_cast<double>(bytes_.load(std::memory_order_relaxed)));
  }
  if (!refused.ok() && acknowledged) {
    deps_.metrics.unacknowledged.Increment();
    acknowledged(refused);
  }
}

void AuditLog::State::Reopen() {
  MutexLock lock(&mutex_);
  reopen_ = true;
  changed_.NotifyOne();
}

bool AuditLog::State::Flush(absl::Duration at_most) {
  const absl::Time deadline = absl::Now() + at_most;
  MutexLock lock(&mutex_);
  const std::uint64_t mine = ++flush_asked_;
  changed_.NotifyOne();
  while (flush_done_ < mine) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    answered_.WaitFor(&mutex_, left);
  }
  return clean_;
}

AuditLog::State::Round AuditLog::State::AwaitRound() {
  MutexLock lock(&mutex_);
  const auto nothing = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !hurry_ && !reopen_ && !ending_ && flush_asked_ == flush_done_;
  };
  if (nothing()) changed_.WaitFor(&mutex_, kTick);
  Round round;
  round.ending = ending_;
  round.reopen = reopen_;
  round.flush = flush_asked_ != flush_done_;
  round.flush_number = flush_asked_;
  hurry_ = false;
  reopen_ = false;
  return round;
}

std::uint64_t AuditLog::State::Gather(const Round& round) {
  const BootTime now = deps_.clock.Boot();
  std::vector<StoredAuditRecord> coalesced;
  if (round.all() || now - window_began_ >= ToNanos(options_.coalesce_window)) {
    coalesced = coalescer_.Take();
    window_began_ = now;
  }
  const std::vector<DenialLimiter::LeftOut> left_out =
      round.all() ? limiter_.TakeAllLeftOut() : limiter_.TakeLeftOut(now);
  const bool attempt = round.all() || round.reopen || now >= retry_at_;

  MutexLock lock(&mutex_);
  for (StoredAuditRecord& record : coalesced) {
    deps_.metrics.coalesced.Increment(static_cast<std::int64_t>(record->count - 1));
    Enqueue(std::move(record));
  }
  for (const DenialLimiter::LeftOut& each : left_out) {
    EnqueueGap(GapRecord(kDenialLimit, {each.count, each.first, each.last}, each.caller));
  }
  if (!attempt && (!options_.fail_closed || queue_.empty())) return 0;
  if (writer_.backlog().empty()) {
    for (const auto& [reason, missing] : missing_) EnqueueGap(GapRecord(reason, missing, ""));
    missing_.clear();
  }
  // Who brought these was refused meanwhile.
  const std::uint64_t refused = refused_up_to_;
  const auto kept = std::find_if(
      queue_.begin(), queue_.end(),
      [refused](const StoredAuditRecord& record) { return record->sequence > refused; });
  for (auto it = queue_.begin(); it != kept; ++it) {
    Drop(kNotAcknowledged, **it);
    Release(it->MemoryBytes());
  }
  queue_.erase(queue_.begin(), kept);
  writer_.Add(std::exchange(queue_, {}));
  return sequence_;
}

void AuditLog::State::ReopenSink() {
  const absl::Status status = writer_.sink().Reopen();
  MutexLock lock(&mutex_);
  if (abandoned_) return;
  if (status.ok()) {
    deps_.logger.Info("audit_reopened", {{"sink", writer_.sink().name()}});
  } else {
    deps_.metrics.failures.Increment();
    deps_.logger.Error("audit_reopen_failed",
                       {{"sink", writer_.sink().name()}, {"why", std::string(status.message())}});
  }
}

void AuditLog::State::NoteStatus(const absl::Status& status) {
  deps_.metrics.working.Set(status.ok() ? 1 : 0);
  if (!status.ok()) deps_.metrics.failures.Increment();
  if (status.ok() == working_) return;
  working_ = status.ok();
  if (working_) {
    deps_.logger.Info("audit_working", {{"sink", writer_.sink().name()}});
  } else {
    deps_.logger.Error("audit_failing", {{"sink", writer_.sink().name()},
                                         {"why", std::string(status.message())},
                                         {"calls_are_refused", options_.fail_closed}});
  }
}

void AuditLog::State::GiveUpBacklog(absl::string_view reason) {
  for (const StoredAuditRecord& record : writer_.TakeBacklog()) {
    Drop(reason, *record);
    Release(record.MemoryBytes());
  }
}

bool AuditLog::State::Account(const Round& round, const AuditWriter::Result& result,
                              std::uint64_t last) {
  std::vector<Pending> pending;
  {
    MutexLock lock(&mutex_);
    if (abandoned_) return false;
    deps_.metrics.written.Increment(static_cast<std::int64_t>(result.records));
    Release(result.bytes);
    if (result.records > 0 || !result.status.ok()) NoteStatus(result.status);
    if (!result.status.ok()) {
      retry_at_ = deps_.clock.Boot() + kRetryAfter;
      if (options_.fail_closed) GiveUpBacklog(kSinkFailed);
    }
    stuck_ = false;
    pending = TakePending(last);
    if (round.ending) {
      GiveUpBacklog(kSinkFailed);
      for (const auto& [reason, missing] : missing_) {
        deps_.logger.Error("audit_records_lost",
                           {{"reason", reason}, {"count", static_cast<long long>(missing.count)}});
      }
    }
    flush_done_ = round.flush_number;
    clean_ = result.status.ok();
  }
  Acknowledge(std::move(pending), result.status);
  // After the callbacks: whoever waits for the end may take away what they need.
  MutexLock lock(&mutex_);
  if (abandoned_) return false;
  ended_ = round.ending;
  answered_.NotifyAll();
  return !ended_;
}

void AuditLog::State::RunWriter() {
  for (;;) {
    const Round round = AwaitRound();
    if (round.reopen) ReopenSink();
    const std::uint64_t last = Gather(round);
    if (!Account(round, writer_.Write(options_.fail_closed), last)) return;
  }
}

std::vector<AuditLog::State::Pending> AuditLog::State::TakePending(std::uint64_t up_to) {
  std::vector<Pending> taken;
  while (!pending_.empty() && pending_.front().sequence <= up_to) {
    taken.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  return taken;
}

void AuditLog::State::Acknowledge(std::vector<Pending> pending, const absl::Status& status) {
  if (!status.ok()) {
    deps_.metrics.unacknowledged.Increment(static_cast<std::int64_t>(pending.size()));
  }
  for (Pending& each : pending) each.acknowledged(status);
}

void AuditLog::State::RunDeadlines() {
  for (;;) {
    std::vector<Pending> late;
    {
      MutexLock lock(&mutex_);
      if (deadlines_ending_) return;
      if (pending_.empty()) {
        pending_changed_.Wait(&mutex_);
        continue;
      }
      const BootTime now = deps_.clock.Boot();
      const auto in_time = std::find_if(pending_.begin(), pending_.end(),
                                        [now](const Pending& each) { return each.deadline > now; });
      if (in_time == pending_.begin()) {
        // Not for longer than this, because a test's clock may be moved.
        const auto left = absl::FromChrono(in_time->deadline - now);
        pending_changed_.WaitFor(&mutex_, std::min(left, kTick));
        continue;
      }
      stuck_ = true;
      refused_up_to_ = std::prev(in_time)->sequence;
      late = TakePending(refused_up_to_);
    }
    Acknowledge(std::move(late), absl::DeadlineExceededError("the audit log is slow"));
  }
}

bool AuditLog::State::End() {
  const absl::Time deadline = absl::Now() + kLastWords;
  MutexLock lock(&mutex_);
  ending_ = true;
  changed_.NotifyOne();
  while (!ended_ && absl::Now() < deadline) {
    answered_.WaitFor(&mutex_, absl::Milliseconds(50));
  }
  abandoned_ = !ended_;
  return ended_;
}

void AuditLog::State::EndDeadlines() {
  std::vector<Pending> pending;
  {
    MutexLock lock(&mutex_);
    deadlines_ending_ = true;
    pending_changed_.NotifyOne();
    pending = TakePending(sequence_);
  }
  Acknowledge(std::move(pending), absl::CancelledError("the audit log ends"));
}

AuditLog::AuditLog(Options options, Dependencies dependencies, std::unique_ptr<AuditSink> sink)
    : fail_closed_(options.fail_closed),
      state_(std::make_shared<State>(options, dependencies, std::move(sink))),
      writer_([state = state_] { state->RunWriter(); }) {
  if (fail_closed_) {
    deadlines_ = std::thread([state = state_] { state->RunDeadlines(); });
  }
}

AuditLog::~AuditLog() {
  // Who sits in a blocking write can't be waited for; it keeps its share of the state.
  if (state_->End()) {
    writer_.join();
  } else {
    writer_.detach();
  }
  state_->EndDeadlines();
  if (deadlines_.joinable()) deadlines_.join();
}

bool AuditLog::Count(const AuditRecord& record) { return state_->Count(record); }

void AuditLog::Write(const AuditRecord& record) { state_->Put(record, nullptr); }

void AuditLog::Write(const AuditRecord& record, Acknowledged acknowledged) {
  if (fail_closed_) return state_->Put(record, std::move(acknowledged));
  state_->Put(record, nullptr);
  acknowledged(absl::OkStatus());
}

void AuditLog::Reopen() { state_->Reopen(); }

bool AuditLog::Flush(absl::Duration at_most) { return state_->Flush(at_most); }

}  // namespace tokensvc
