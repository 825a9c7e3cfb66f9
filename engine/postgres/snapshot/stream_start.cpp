#include "engine/postgres/snapshot/stream_start.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/ledger/ledger.h"
#include "engine/postgres/preflight/preflight_checks.h"
#include "engine/postgres/preflight/preflight_gather.h"
#include "engine/postgres/replication/slot_verdict.h"

namespace tributary::postgres {
namespace {

// A walsender of an engine that was killed ends when its server notices.
constexpr Milliseconds slot_patience{15'000};
constexpr Milliseconds slot_limit{60'000};
constexpr Milliseconds look_again{200};
constexpr Milliseconds last_words{10'000};

Result<PublicationPlan> use_publication(Connection& source, const std::string& name,
                                        const std::vector<CatalogTable>& tables, const Until& until) {
  const std::optional<PublicationState> state = TRY(read_publication(source, name, until));
  if (!state)
    return Error{Fault::invalid, "publication " + name + " does not exist on the source",
                 "create it, or name none to have one made"};
  PublicationReview review = review_publication(name, *state, tables);
  for (const api::Finding& finding : review.findings)
    if (finding.severity == api::Severity::error)
      return Error{Fault::invalid, finding.subject + ": " + finding.message, finding.hint};
  return std::move(review.plan);
}

Result<PublicationPlan> make_publication(Connection& source, const std::string& name,
                                         const std::vector<CatalogTable>& tables, const Until& until) {
  PublicationPlan plan = plan_publication(tables);
  TRY(ensure_publication(source, name, plan.published, until));
  return plan;
}

pipeline::StreamObjects objects_of(const StreamWish& wish, const pipeline::SourceIdentity& source) {
  pipeline::StreamObjects objects;
  objects.slot =
      stream_object_name(replication_key(wish.replication, source, wish.selection), source.database, wish.into);
  objects.owns_publication = wish.publication.empty();
  objects.publication = objects.owns_publication ? objects.slot : wish.publication;
  return objects;
}

pipeline::StreamStart start_of(const pipeline::StreamObjects& objects, PublicationPlan plan) {
  pipeline::StreamStart start;
  static_cast<pipeline::StreamObjects&>(start) = objects;
  start.streamed = std::move(plan.published);
  for (const NotPublished& each : plan.not_published) start.not_streamed.push_back({each.table, told(each)});
  return start;
}

Result<OpenStream> make_stream(const std::function<Result<Parameters>()>& connect, Connection& coordinator,
                               const pipeline::StreamObjects& objects, const std::vector<CatalogTable>& tables,
                               const Until& until) {
  PublicationPlan plan =
      TRY(objects.owns_publication ? make_publication(coordinator, objects.publication, tables, until)
                                   : use_publication(coordinator, objects.publication, tables, until));
  pipeline::StreamStart start = start_of(objects, std::move(plan));
  const Parameters parameters = TRY(connect());
  Connection session = TRY(open_replication_session(parameters, "slot", until));
  start.timeline = TRY(identify_system(session, until)).timeline;
  NewSlot slot = TRY(create_slot(session, coordinator, {start.slot, false, slot_limit}, until));
  start.from = slot.position;
  return OpenStream{std::move(session), std::move(slot), std::move(start)};
}

// Where no slot could be made. One that is there, or about to be, is that of an engine that has taken over. A role that
// may not make a publication has none to drop.
void leave_no_publication(Connection& source, const pipeline::StreamObjects& objects) {
  if (!objects.owns_publication) return;
  const Until until{Deadline::after(last_words), {}};
  const auto drop = [&]() -> Result<void> {
    if (TRY(read_slot(source, objects.slot, until))) return {};
    return drop_publication(source, objects.publication, until);
  };
  const Result<void> dropped = drop();
  if (!dropped) log::info("publication not dropped", {{"error", describe(dropped.error())}});
}

// Both lists of tables, whatever their order.
bool same_tables(std::vector<model::Name> left, std::vector<model::Name> right) {
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  return left == right;
}

Error in_use(const std::string& name, int process) {
  return {Fault::transient,
          "replication slot " + name + " is in use by process " + std::to_string(process) + " of the source",
          "the server lets it go within a minute of the end of its session"};
}

// A slot that is still streamed from is that of an engine which was killed.
Result<std::optional<SlotState>> read_idle_slot(Connection& source, const std::string& name, const Until& until) {
  const Deadline enough = Deadline::after(slot_patience);
  while (true) {
    std::optional<SlotState> slot = TRY(read_slot(source, name, until));
    if (!slot || slot->active_pid == 0) return slot;
    if (enough.passed()) return in_use(name, slot->active_pid);
    if (!pause_for(look_again, until.stop))
      return Error{Fault::cancelled, "stopped while waiting for replication slot " + name};
  }
}

Error left_behind(const std::string& name, const SlotState& slot) {
  if (slot.active_pid != 0) return in_use(name, slot.active_pid);
  return {Fault::failed,
          "replication slot " + name + " was not dropped: it stands at " + to_string(slot.confirmed_flush) +
              ", which is beyond what this copy knows of, so another engine may need it",
          "where none does, run on the source: SELECT pg_drop_replication_slot(" + quote_literal(name) + ")"};
}

}  // namespace

std::string why_not_resume(const pipeline::FormerStream& former, const pipeline::SourceIdentity& source,
                           const ResumeFacts& now) {
  const LedgerMark ledger{former.slot,     source.database, source.system,
                          former.timeline, former.applied,  former.owns_publication ? former.publication : ""};
  const Result<void> verdict = judge(ledger, {now.system, {}, now.slot, now.publication.has_value()});
  if (!verdict) return verdict.error().what;
  if (now.slot->confirmed_flush < former.from)
    return "replication slot " + former.slot + " stands below where the stream began";
  if (now.system.end < former.copied)
    return "the source's log ends at " + to_string(now.system.end) + ", below " + to_string(former.copied) +
           ", at which tables were copied";
  if (!now.publication) return "publication " + former.publication + " does not exist any more";
  if (!former.owns_publication) return "";  // it was held against the tables when `wanted` was made
  const PublicationState& publication = *now.publication;
  const bool whole = publication.insert && publication.update && publication.remove && publication.truncate;
  if (publication.via_root || publication.all_tables || !publication.filtered.empty() || !whole ||
      !same_tables(publication.tables, now.wanted.published))
    return "publication " + former.publication + " is not what the selected tables need any more";
  return "";
}

Result<std::optional<OpenStream>> resume_stream(const std::function<Result<Parameters>()>& connect,
                                                Connection& coordinator, const StreamWish& wish,
                                                const pipeline::SourceIdentity& source,
                                                const pipeline::FormerStream& former,
                                                const std::vector<CatalogTable>& tables, const Until& until) {
  const Parameters parameters = TRY(connect());
  Connection session = TRY(open_replication_session(parameters, "slot", until));
  ResumeFacts now;
  now.system = TRY(identify_system(session, until));
  now.slot = TRY(read_idle_slot(coordinator, former.slot, until));
  now.publication = TRY(read_publication(coordinator, former.publication, until));
  now.wanted = plan_publication(tables);
  std::string reason;
  if (former.slot != objects_of(wish, source).slot) {
    reason = "replication slot " + former.slot + " of the ledger was made for another target";
  } else if (former.owns_publication != wish.publication.empty() ||
             (!former.owns_publication && former.publication != wish.publication)) {
    reason = "another publication is to be used";
  } else if (!former.owns_publication && now.publication) {
    PublicationReview review = review_publication(former.publication, *now.publication, tables);
    for (const api::Finding& finding : review.findings)
      if (finding.severity == api::Severity::error) reason = finding.message;
    now.wanted = std::move(review.plan);
  }
  if (reason.empty()) reason = why_not_resume(former, source, now);
  if (!reason.empty()) {
    log::warn("copying anew", {{"database", source.database}, {"reason", reason}});
    return std::optional<OpenStream>{};
  }
  pipeline::StreamStart start = start_of(former, std::move(now.wanted));
  start.timeline = former.timeline;
  start.from = former.from;
  const std::string name = stream_object_name(former.slot, "snapshot");
  Result<NewSlot> slot = create_slot(session, coordinator, {name, true, slot_limit}, until);
  // The walsender of a killed engine that still waits for somebody's transaction has the name: it ends.
  if (!slot && slot.error().fault == Fault::conflict) return Error{Fault::transient, slot.error().what};
  if (!slot && slot.error().fault != Fault::transient && slot.error().fault != Fault::cancelled) {
    log::warn("copying anew", {{"database", source.database}, {"reason", slot.error().what}});
    return std::optional<OpenStream>{};
  }
  if (!slot) return slot.error();
  return std::optional<OpenStream>{OpenStream{std::move(session), std::move(*slot), std::move(start)}};
}

std::string why_no_slot(const Server& source, bool may_replicate) {
  if (source.in_recovery) return "the source is a standby";
  if (source.wal_level != "logical") return "wal_level of the source is " + source.wal_level;
  if (!may_replicate) return "the role lacks the attribute REPLICATION";
  if (source.used_replication_slots >= source.max_replication_slots)
    return "all " + std::to_string(source.max_replication_slots) + " replication slots of the source are used";
  if (source.used_wal_senders >= source.max_wal_senders)
    return "all " + std::to_string(source.max_wal_senders) + " walsenders of the source are used";
  return "";
}

Result<std::optional<OpenStream>> open_stream_if_allowed(const std::function<Result<Parameters>()>& connect,
                                                         Connection& coordinator, const StreamWish& wish,
                                                         const pipeline::SourceIdentity& source,
                                                         const std::vector<CatalogTable>& tables, const Until& until) {
  const pipeline::StreamObjects objects = objects_of(wish, source);
  TRY(drop_slot(coordinator, objects.slot, slot_patience, until));
  const Server server = TRY(read_server(coordinator, until));
  const SessionRole role = TRY(read_role(coordinator, until));
  std::string reason = why_no_slot(server, may_replicate(role));
  if (!reason.empty()) {
    leave_no_publication(coordinator, objects);
  } else {
    Result<OpenStream> made = open_stream(connect, coordinator, wish, source, tables, until);
    if (made) return std::optional<OpenStream>{std::move(*made)};
    if (made.error().fault == Fault::cancelled || !coordinator.usable()) return made.error();
    reason = made.error().what;
  }
  log::info("copying without a slot: an attempt that is killed is not gone on with",
            {{"database", source.database}, {"reason", reason}});
  return std::optional<OpenStream>{};
}

Result<OpenStream> open_stream(const std::function<Result<Parameters>()>& connect, Connection& coordinator,
                               const StreamWish& wish, const pipeline::SourceIdentity& source,
                               const std::vector<CatalogTable>& tables, const Until& until) {
  const pipeline::StreamObjects objects = objects_of(wish, source);
  if (TRY(read_slot(coordinator, objects.slot, until)))
    log::warn("replacing the slot of an earlier copy into this target", {{"slot", objects.slot}});
  TRY(drop_slot(coordinator, objects.slot, slot_patience, until));
  Result<OpenStream> opened = make_stream(connect, coordinator, objects, tables, until);
  if (!opened && coordinator.usable()) leave_no_publication(coordinator, objects);
  return opened;
}

Result<void> check_streamed(const pipeline::StreamStart& start, const std::vector<CatalogTable>& tables) {
  std::set<model::Name> known(start.streamed.begin(), start.streamed.end());
  for (const auto& each : start.not_streamed) known.insert(each.table);
  for (const CatalogTable& each : tables)
    if (known.erase(each.table.name) == 0)
      return Error{Fault::transient, "table " + model::display(each.table.name) + " came while the stream was made",
                   "another attempt takes it along"};
  if (!known.empty())
    return Error{Fault::transient, "table " + model::display(*known.begin()) + " went while the stream was made",
                 "another attempt does without it"};
  return {};
}

// The slot first: a publication that is needed is one with a slot. What was dropped is told by what is there
// afterwards, since a condition that does not hold is no error.
Result<void> drop_stream(Connection& source, const pipeline::StreamObjects& stream, std::optional<model::Lsn> reached,
                         const Until& until) {
  TRY(read_idle_slot(source, stream.slot, until));
  const std::optional<std::string> limit = reached ? std::optional(to_string(*reached)) : std::nullopt;
  TRY(
      source.query("SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots"
                   " WHERE slot_name = $1 AND NOT active AND COALESCE(confirmed_flush_lsn <= $2::pg_lsn, true)",
                   {stream.slot, limit}, until));
  if (const std::optional<SlotState> left = TRY(read_slot(source, stream.slot, until)))
    return left_behind(stream.slot, *left);
  return stream.owns_publication ? drop_publication(source, stream.publication, until) : Result<void>{};
}

}  // namespace tributary::postgres
