#include "engine/postgres/stream_start.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/postgres/ledger.h"
#include "engine/postgres/publication.h"
#include "engine/postgres/replication.h"
#include "engine/postgres/session_settings.h"

namespace tributary::postgres {
namespace {

// A walsender of an engine that was killed ends when its server notices.
constexpr Milliseconds slot_patience{15'000};

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

}  // namespace

Result<OpenStream> open_stream(const std::function<Result<Parameters>()>& connect, Connection& coordinator,
                               const StreamWish& wish, const pipeline::SourceIdentity& source,
                               const std::vector<CatalogTable>& tables, const Until& until) {
  const std::string key = replication_key(wish.replication, source, wish.selection);
  pipeline::StreamStart start;
  start.slot = stream_object_name(key, source.database);
  start.owns_publication = wish.publication.empty();
  start.publication = start.owns_publication ? start.slot : wish.publication;
  TRY(drop_slot(coordinator, start.slot, slot_patience, until));
  PublicationPlan plan = TRY(start.owns_publication ? make_publication(coordinator, start.publication, tables, until)
                                                    : use_publication(coordinator, start.publication, tables, until));
  start.streamed = std::move(plan.published);
  for (NotPublished& each : plan.not_published)
    start.not_streamed.push_back({std::move(each.table), std::move(each.reason)});
  const Parameters parameters = TRY(connect());
  Connection session = TRY(open_replication_session(parameters, "slot", until));
  start.timeline = TRY(identify_system(session, until)).timeline;
  NewSlot slot = TRY(create_slot(session, coordinator, {start.slot, false, Milliseconds{60'000}}, until));
  return OpenStream{std::move(session), std::move(slot), std::move(start)};
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

Result<void> drop_unused_slot(Connection& source, const std::string& slot, model::Lsn position, const Until& until) {
  TRY(source.execute("ROLLBACK", until));
  TRY(
      source.query("SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots"
                   " WHERE slot_name = $1 AND confirmed_flush_lsn = $2::pg_lsn AND NOT active",
                   {slot, to_string(position)}, until));
  return {};
}

}  // namespace tributary::postgres
