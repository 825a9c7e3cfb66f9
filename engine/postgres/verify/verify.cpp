#include "engine/postgres/verify/verify.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/pipeline/selection.h"
#include "engine/pipeline/servers.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/ledger.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/verify/comparison.h"
#include "engine/postgres/verify/verdict.h"

namespace tributary::postgres::verify {
namespace {

constexpr unsigned most_sessions = 8;
constexpr const char* no_right = "42501";

constexpr const char* other_streams =
    "SELECT r.key FROM _tributary.replication r JOIN _tributary.stream s ON s.replication = r.key"
    " WHERE r.source_system = $1 AND r.source_database = $2 AND NOT s.released";

int parallelism_of(const api::Spec& spec) {
  if (spec.snapshot.parallelism > 0) return spec.snapshot.parallelism;
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, most_sessions));
}

Error unreadable_ledger(const Error& error) {
  return {
      Fault::denied,
      "the target's ledger says whether a stream keeps it up to date, and may not be read: " + error.what,
      "grant the target's role USAGE on schema _tributary and SELECT on all its tables, or take the role of the copy"};
}

// The replication whose stream keeps the target up to date; "" where none does.
Result<std::string> read_stream_key(const api::Spec& spec, const std::string& selection, const DatabaseEnds& ends,
                                    const Until& until) {
  Sessions sessions = TRY(open_sessions(ends, until));
  const Result<std::optional<int>> known = read_control_version(sessions.target, until);
  if (!known && sessions.target.sqlstate() == no_right) return unreadable_ledger(known.error());
  const std::optional<int> version = TRY(known);
  if (!version) return std::string();
  if (*version > control_version) return too_new(*version);
  pipeline::SourceIdentity identity;
  identity.system = TRY(read_server(sessions.source, until)).system_identifier;
  identity.database = TRY(read_current_database(sessions.source, until)).name;
  const std::string key = replication_key(spec.replication, identity, selection);
  if (*version < first_version_with_streams) return std::string();
  const Result<std::optional<StreamRow>> row = read_stream(sessions.target, key, until);
  if (!row && sessions.target.sqlstate() == no_right) return unreadable_ledger(row.error());
  const std::optional<StreamRow> stream = TRY(row);
  if (stream) return stream->released ? std::string() : key;
  // Another selection of the same database may be followed under a name of its own.
  const Rows others = TRY(sessions.target.query(other_streams, {identity.system, identity.database}, until));
  if (others.size() > 1)
    return Error{Fault::invalid, "several streams bring tables of database " + identity.database + " to this target",
                 "give the selection of one of them, or its --spec"};
  return others.size() == 0 ? std::string() : others.str(0, 0);
}

// Steps of all tables of a database, one at a time.
class Repairs {
 public:
  Repairs(const Repair& repair, RepairPlace place) : repair_(repair), place_(std::move(place)) {}
  Result<void> take(const RepairStep& step) {
    const std::lock_guard lock(mutex_);
    return repair_(place_, step);
  }

 private:
  std::mutex mutex_;
  const Repair& repair_;
  const RepairPlace place_;
};

// Two comparisons of the same name do the same. Whoever types the verb again without a request ID wants to know what is
// there now: it has none.
std::string run_of(const api::Spec& spec, const pipeline::DatabasePair& pair) {
  if (spec.replication.empty() && spec.verify.request_id.empty()) return "";
  std::vector<std::string> parts{spec.replication, spec.verify.request_id, pair.source, pair.target};
  for (const auto* const list : {&spec.selection.include_tables, &spec.selection.exclude_tables}) {
    parts.push_back("");
    parts.insert(parts.end(), list->begin(), list->end());
  }
  return digest_of(parts);
}

struct Request {
  const api::Spec& spec;
  const Flags& flags;
  const pipeline::Selection& selection;
  pipeline::ProgressBoard& board;
  const Repair& repair;
};

Result<void> compare_pair(const Request& request, const pipeline::DatabasePair& pair, api::Verification& verification,
                          const Until& until) {
  const api::Spec& spec = request.spec;
  ComparisonOptions options;
  options.database = pair.source;
  options.ends = {[&] { return resolve_database(spec.source, "source", pair.source); },
                  [&] { return resolve_database(spec.target, "target", pair.target); }};
  options.retries.is_patient = [&](SteadyClock::duration idle) { return pipeline::is_patient(spec, idle); };
  const std::string selection = digest_of(request.selection.table_entries_of(pair.source));
  options.key = TRY(retried(options.retries, request.board, until,
                            [&] { return read_stream_key(spec, selection, options.ends, until); }));
  options.whole = pair.whole;
  options.selects = [&](const model::Name& name, const std::vector<model::Name>& above) {
    return request.selection.selects_table(pair.source, name, above);
  };
  options.parallelism = parallelism_of(spec);
  options.show_values = request.flags.show_values;
  options.large_objects = spec.snapshot.large_objects;
  options.run = run_of(spec, pair);
  options.restart = request.flags.restart;
  std::optional<Repairs> repairs;
  if (request.repair) {
    const Sessions sessions =
        TRY(retried(options.retries, request.board, until, [&] { return open_sessions(options.ends, until); }));
    repairs.emplace(request.repair, RepairPlace{pair.target, sessions.source.reported("client_encoding")});
    options.repair = [&](const RepairStep& step) { return repairs->take(step); };
  }
  return compare_database(options, request.board, verification, until);
}

// Nothing is claimed of a database that could not be asked, nor of what had been found in it.
void disclaim(const std::string& database, const std::string& reason, api::Verification& verification) {
  api::TableVerification all;
  all.database = database;
  all.name = "*";
  all.reason = reason;
  ++verification.tables_not_compared;
  verification.tables.push_back(std::move(all));
}

}  // namespace

Result<api::Verification> verify(const api::Spec& spec, const Flags& flags, pipeline::ProgressBoard& board,
                                 const Repair& repair, const Until& until) {
  const pipeline::Selection selection = TRY(pipeline::Selection::parse(spec.selection));
  const auto servers = make_servers(spec, nullptr);
  api::Verification verification;
  verification.request_id = spec.verify.request_id;
  const RetryLimits retries{[&](SteadyClock::duration idle) { return pipeline::is_patient(spec, idle); }, {}};
  Result<std::vector<pipeline::DatabasePair>> selected =
      retried(retries, board, until, [&] { return servers->databases(until); });
  if (!selected && selected.error().fault == Fault::missing)
    return Error{Fault::missing, selected.error().what, "check which database of the source is meant"};
  const std::vector<pipeline::DatabasePair> databases = TRY(std::move(selected));
  std::size_t failed = 0;
  for (const pipeline::DatabasePair& pair : databases) {
    const Result<void> compared = compare_pair({spec, flags, selection, board, repair}, pair, verification, until);
    if (compared) continue;
    if (compared.error().fault == Fault::cancelled || ++failed == databases.size()) return compared.error();
    log::warn("a database cannot be compared", {{"database", pair.source}, {"error", describe(compared.error())}});
    disclaim(pair.source, describe(compared.error()), verification);
    if (repair)
      TRY(repair(
          {pair.target, "UTF8"},
          {RepairPart::remark, one_line("database " + pair.target + " is not mended: " + describe(compared.error()))}));
  }
  verification.result = verdict_of(verification);
  return verification;
}

}  // namespace tributary::postgres::verify
