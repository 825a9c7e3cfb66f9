#include "operator/replication/stream_status.h"

#include <algorithm>

#include "engine/base/counted.h"
#include "operator/api/duration.h"
#include "operator/replication/lag.h"
#include "operator/replication/status.h"
#include "operator/replication/table_status.h"

namespace tributary::replication {
namespace {

namespace condition = v1alpha1::condition;
using api::DatabaseProgress;
using api::StreamState;
using v1alpha1::Phase;
using v1alpha1::Spec;
using v1alpha1::Standing;
using v1alpha1::State;
using v1alpha1::Status;
using v1alpha1::SyncStatus;
using v1alpha1::Truth;
using v1alpha1::Verdict;

constexpr Seconds between_lags{15};
constexpr Seconds between_times{60};
constexpr Seconds silence_limit{60};
constexpr std::uint64_t log_segment = std::uint64_t{16} << 20;  // a source's log grows and goes by such pieces

bool is(const DatabaseProgress& database, StreamState state) {
  return database.stream && database.stream->state == state;
}

bool all_are(const api::Progress& progress, StreamState state) {
  const auto& databases = progress.databases;
  return progress.phase == api::Phase::following && !databases.empty() &&
         std::all_of(databases.begin(), databases.end(), [&](const auto& database) { return is(database, state); });
}

// The first database whose stream is not there.
const DatabaseProgress* connecting(const api::Progress& progress) {
  const auto& databases = progress.databases;
  const auto found = std::find_if(databases.begin(), databases.end(), [](const DatabaseProgress& database) {
    return !database.stream || is(database, StreamState::connecting);
  });
  return found == databases.end() ? nullptr : &*found;
}

void set_lag(SyncStatus& sync, const api::StreamProgress& stream) {
  sync.lag_seconds = rounded(stream.lag_seconds);
  sync.lag_bytes = rounded(stream.lag_bytes);
  sync.lag = v1alpha1::duration_text(Seconds(*sync.lag_seconds));
}

void forget_lag(SyncStatus& sync) {
  sync.lag.clear();
  sync.lag_seconds.reset();
  sync.lag_bytes.reset();
}

SyncStatus said(const api::Progress& progress, SyncStatus sync) {
  sync.method = "Logical";
  if (std::vector<std::string> slots = slots_of(progress); !slots.empty()) sync.slots = std::move(slots);
  forget_lag(sync);
  sync.retained_bytes.reset();
  if (const auto retained = retained_of(progress)) sync.retained_bytes = rounded(*retained);
  const api::StreamProgress* stream = furthest_of(progress);
  if (stream == nullptr) return sync;
  if (!stream->received.empty()) sync.received_position = stream->received;
  if (!stream->applied.empty()) sync.applied_position = stream->applied;
  if (const auto committed = parse_rfc3339(stream->last_transaction)) sync.last_transaction_time = rfc3339(*committed);
  if (lag_is_known(progress)) set_lag(sync, *stream);
  return sync;
}

// By the engine's own number, not by the rounded one.
bool late(const api::Progress& progress, const Spec& spec) {
  return lag_is_known(progress) && spec.sync.max_lag > Seconds{0} &&
         furthest_of(progress)->lag_seconds > static_cast<std::uint64_t>(spec.sync.max_lag.count());
}

// Where something worse was told, lag was not.
bool turned(const Status& status, bool is_late) {
  const v1alpha1::Condition* synced = v1alpha1::find_condition(status, condition::synced);
  const bool was_late = synced != nullptr && synced->reason == "LagTooHigh";
  const bool was_worse = synced != nullptr && (synced->reason == "TablesStopped" || synced->reason == "Recopying");
  return was_late != is_late && !was_worse;
}

// By a quarter, and by so much.
bool far_apart(const std::optional<std::uint64_t>& before, const std::optional<std::uint64_t>& after,
               std::uint64_t least) {
  if (!before || !after) return before.has_value() != after.has_value();
  const std::uint64_t apart = std::max(*before, *after) - std::min(*before, *after);
  return apart >= least && apart >= *before / 4;
}

bool worth_a_write(const SyncStatus& before, const SyncStatus& after, WallTime now) {
  const auto written = parse_rfc3339(before.observed_time);
  if (!written || *written > now) return true;
  if (before.slots != after.slots || before.lag_seconds.has_value() != after.lag_seconds.has_value()) return true;
  const bool moved = far_apart(before.lag_seconds, after.lag_seconds, 1) ||
                     far_apart(before.lag_bytes, after.lag_bytes, log_segment) ||
                     far_apart(before.retained_bytes, after.retained_bytes, log_segment);
  return now - *written >= (moved ? between_lags : between_times);
}

std::string why_connecting(const api::Progress& progress) {
  if (progress.phase != api::Phase::following || progress.databases.empty()) {
    return progress.message.empty() ? "the engine is connecting to both ends" : progress.message;
  }
  const DatabaseProgress* database = connecting(progress);
  if (database == nullptr) return "the engine is about to be started otherwise";
  const std::string error = database->stream ? database->stream->error : "";
  return "database " + database->name + ": " + (error.empty() ? "connecting to both ends" : error);
}

std::string kept(const SyncStatus& sync) {
  return bytes_text(sync.retained_bytes.value_or(0)) + " of its log";
}

bool some_follows(const api::Progress& progress) {
  const auto& databases = progress.databases;
  return std::any_of(databases.begin(), databases.end(),
                     [](const DatabaseProgress& database) { return is(database, StreamState::following); });
}

// Not before an engine that applies nothing has said so: the one before it goes on until it has ended.
Verdict paused(const api::Progress& progress, const Status& status) {
  const std::string since = "spec.state says so: nothing is applied";
  if (all_are(progress, StreamState::holding)) {
    return {Standing::suspended, Phase::paused, "Paused", since + ", and the source keeps " + kept(*status.sync)};
  }
  if (status.phase == Phase::paused && !some_follows(progress)) {
    return {Standing::suspended, Phase::paused, "Paused", since + "; " + why_connecting(progress)};
  }
  return {Standing::progressing, Phase::syncing, "Pausing",
          "changes may arrive until an engine that only holds the slot has taken over; " +
              (some_follows(progress) ? "the one before it has not ended" : why_connecting(progress))};
}

Verdict following(const api::Progress& progress, const Status& status, const Spec& spec) {
  if (auto verdict = verdict_of_tables(progress, status, spec)) return *std::move(verdict);
  const SyncStatus& sync = *status.sync;
  const std::string limit = v1alpha1::duration_text(spec.sync.max_lag);
  if (late(progress, spec)) {
    return {Standing::progressing, Phase::syncing, "LagTooHigh",
            "the target is " + sync.lag + " behind the source, which is more than spec.sync.maxLag (" + limit +
                "), and lacks " + bytes_text(*sync.lag_bytes) + " of its log"};
  }
  const bool limited = spec.sync.max_lag > Seconds{0};
  std::string message =
      limited ? "the target follows the source, no more than " + limit + " behind" : "the target follows the source";
  add_not_streamed(status, message);
  return {Standing::met, Phase::syncing, "Following", std::move(message)};
}

// Of a stream that is there and not what it should be.
bool knows_lag(const Verdict& verdict) {
  const std::string& reason = verdict.reason;
  return reason == "LagTooHigh" || reason == "TablesStopped" || reason == "Recopying" || reason == "Paused";
}

// An operator that has just begun to listen knows from the status how long nobody has heard anything.
bool silent_for_long(const Observed& seen, const std::optional<WallTime>& heard) {
  if (!seen.voice || !seen.voice->silent_since) return false;
  const WallTime since = *seen.voice->silent_since;
  return seen.now - since >= silence_limit || (heard && seen.now - *heard >= between_times + silence_limit);
}

}  // namespace

std::vector<std::string> slots_of(const api::Progress& progress) {
  std::vector<std::string> slots;
  for (const DatabaseProgress& database : progress.databases) {
    if (database.stream && !database.stream->slot.empty()) slots.push_back(database.stream->slot);
  }
  if (slots.size() > v1alpha1::most_slots) slots.resize(v1alpha1::most_slots);
  return slots;
}

void set_stream(Status& status, const api::Progress& progress, const Spec& spec, WallTime now) {
  const SyncStatus before = status.sync.value_or(SyncStatus{});
  SyncStatus after = said(progress, before);
  if (!turned(status, late(progress, spec)) && !worth_a_write(before, after, now)) return;
  after.observed_time = rfc3339(now);
  status.sync = std::move(after);
}

Verdict verdict_of_stream(const api::Progress& progress, const Status& status, const Spec& spec) {
  if (spec.state == State::paused) return paused(progress, status);
  if (!lag_is_known(progress)) {
    return {Standing::progressing, Phase::syncing, "Connecting", why_connecting(progress)};
  }
  return following(progress, status, spec);
}

Verdict verdict_of_silence(const Observed& seen, Status& status) {
  const auto heard = parse_rfc3339(status.sync ? status.sync->observed_time : "");
  if (silent_for_long(seen, heard)) {
    return {
        Standing::unknown, Phase::syncing, "EngineUnreachable",
        "the engine runs and does not answer on port 8080 (hint: a NetworkPolicy or a service mesh between operator "
        "and engine is the usual cause; whether the stream goes on is not known)"};
  }
  const v1alpha1::Condition* synced = v1alpha1::find_condition(status, condition::synced);
  const v1alpha1::Condition* ready = v1alpha1::find_condition(status, condition::ready);
  if (!heard || synced->reason != ready->reason) {
    return {Standing::progressing, Phase::syncing, "Starting", "the engine is starting"};
  }
  const auto standing = [&] {
    if (ready->reason == "Paused") return Standing::suspended;
    if (ready->reason == "TablesStopped") return Standing::stalled;
    if (ready->status == Truth::yes) return Standing::met;
    return ready->status == Truth::unknown ? Standing::unknown : Standing::progressing;
  };
  const Phase phase = status.phase == Phase::paused ? Phase::paused : Phase::syncing;
  return {standing(), phase, ready->reason, ready->message};
}

void conclude_stream(Status& status, const Verdict& verdict, WallTime now) {
  const bool unknown = verdict.standing == Standing::unknown;
  if (status.sync && verdict.standing != Standing::met && !knows_lag(verdict)) forget_lag(*status.sync);
  const Truth truth = verdict.standing == Standing::met ? Truth::yes : unknown ? Truth::unknown : Truth::no;
  v1alpha1::set_condition(status, condition::synced, truth, verdict.reason, verdict.message, now);
  v1alpha1::conclude(status, verdict, now);
}

std::string statements_by_hand(const Status& status, const Spec& spec) {
  constexpr std::size_t room = 600;
  const bool of_stream = status.sync && !status.sync->slots.empty();
  const std::string listed = of_stream ? "status.sync.slots" : "status.snapshot.slots";
  std::vector<std::string> slots;
  if (of_stream || status.snapshot) slots = of_stream ? status.sync->slots : status.snapshot->slots;
  if (slots.empty()) {
    return "SELECT slot_name, database FROM pg_replication_slots WHERE slot_name LIKE 'tributary%' AND NOT active "
           "shows candidates; SELECT pg_drop_replication_slot('NAME') drops one";
  }
  std::string text;
  for (const std::string& slot : slots) {
    std::string statement = "SELECT pg_drop_replication_slot('" + slot + "');";
    if (spec.publication.empty()) statement += " DROP PUBLICATION IF EXISTS " + slot + ";";
    if (text.size() + statement.size() > room) return text + " and so on for the others of " + listed;
    text += (text.empty() ? "" : " ") + statement;
  }
  return text;
}

}  // namespace tributary::replication
