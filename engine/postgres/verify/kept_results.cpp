#include "engine/postgres/verify/kept_results.h"

#include "engine/base/log.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/ledger/control_schema.h"

namespace tributary::postgres::verify {
namespace {

using tributary::verify::KeyRange;

constexpr Milliseconds write_every{1'000};

constexpr const char* lock = "SELECT pg_try_advisory_lock(7526756, hashtext($1))";
constexpr const char* forget_old = "DELETE FROM _tributary.compared_range WHERE planned < now() - interval '1 day'";
constexpr const char* forget_run = "DELETE FROM _tributary.compared_range WHERE run = $1";
// Of a range that was read, `planned` says when.
constexpr const char* read_run =
    "SELECT schema_name, table_name, number, from_key, before_key,"
    " CASE WHEN planned > now() - interval '1 hour' THEN found END, shape,"
    " to_char(planned AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    " FROM _tributary.compared_range WHERE run = $1 ORDER BY 1, 2, 3";
constexpr const char* forget_tables =
    "DELETE FROM _tributary.compared_range WHERE run = $1 AND (schema_name, table_name) IN"
    " (SELECT * FROM unnest($2::text[], $3::text[]))";
constexpr const char* plan_ranges =
    "INSERT INTO _tributary.compared_range (run, schema_name, table_name, number, from_key, before_key, shape)"
    " SELECT $1, r.schema_name, r.table_name, r.number, r.from_key::text[], r.before_key::text[], r.shape"
    " FROM unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[])"
    " AS r(schema_name, table_name, number, from_key, before_key, shape)";
constexpr const char* record_found =
    "UPDATE _tributary.compared_range AS c SET found = r.found, planned = now() - $6::interval"
    " FROM unnest($2::text[], $3::text[], $4::int[], $5::text[]) AS r(schema_name, table_name, number, found)"
    " WHERE c.run = $1 AND c.schema_name = r.schema_name AND c.table_name = r.table_name AND c.number = r.number";

// A session that is alone with the run; nothing where there can be none.
Result<std::optional<Connection>> open_session(const DatabaseEnds& ends, const std::string& run, const Until& until) {
  Parameters parameters = TRY(ends.target());
  parameters["application_name"] = "tributary/verify";
  Connection session = TRY(open_data_session(parameters, until));
  if (TRY(read_control_version(session, until)) != control_version) return std::optional<Connection>();
  const Rows locked = TRY(session.query_row(lock, {run}, until));
  return locked.boolean(0, 0) ? std::optional<Connection>(std::move(session)) : std::nullopt;
}

bool is_same_range(const KeptRange& a, const KeptRange& b) {
  return a.number == b.number && a.shape == b.shape && a.keys.from == b.keys.from && a.keys.before == b.keys.before;
}

}  // namespace

Result<std::unique_ptr<KeptResults>> KeptResults::open(const DatabaseEnds& ends, const std::string& run, bool restart,
                                                       const Until& until) {
  std::optional<Connection> session = TRY(open_session(ends, run, until));
  if (!session) return std::unique_ptr<KeptResults>();
  std::unique_ptr<KeptResults> kept(new KeptResults(ends, run, std::move(*session)));
  Result<void> ready = kept->session_.execute(forget_old, until);
  if (ready && restart) kept->forget(until);
  if (ready) {
    Result<Ranges> ranges = kept->read(until);
    if (ranges)
      kept->ranges_ = std::move(*ranges);
    else
      ready = ranges.error();
  }
  if (ready) return kept;
  if (!is_refusal(kept->session_.sqlstate())) return ready.error();
  log::info("what this comparison finds is not kept", {{"reason", ready.error().what}});
  return std::unique_ptr<KeptResults>();
}

Result<KeptResults::Ranges> KeptResults::read(const Until& until) {
  Ranges ranges;
  const Rows rows = TRY(session_.query(read_run, {run_}, until));
  for (int row = 0; row < rows.size(); ++row) {
    KeptRange range;
    range.number = static_cast<int>(rows.integer(row, 2));
    range.keys.from = TRY(parse_array(rows.text(row, 3)));
    range.keys.before = TRY(parse_array(rows.text(row, 4)));
    range.shape = rows.str(row, 6);
    if (!rows.is_null(row, 5)) {
      range.found = TRY(api::table_verification_from_json(rows.text(row, 5)));
      range.found->kept_rows = range.found->source_rows;
      range.found->kept_since = rows.str(row, 7);
    }
    ranges[{rows.str(row, 0), rows.str(row, 1)}].push_back(std::move(range));
  }
  return ranges;
}

std::vector<KeptRange> KeptResults::ranges_of(const model::Name& table, const std::string& shape) const {
  const auto found = ranges_.find(table);
  return found == ranges_.end() || found->second.front().shape != shape ? std::vector<KeptRange>{} : found->second;
}

void KeptResults::plan(const std::vector<Planned>& tables, const Until& until) {
  for (const Planned& table : tables) {
    std::vector<KeptRange>& ranges = ranges_[table.table];
    ranges.clear();
    for (const tributary::verify::KeyRange& keys : table.ranges)
      ranges.push_back({static_cast<int>(ranges.size()), table.shape, keys});
  }
  const Result<void> written = write_plan(tables, until);
  if (!written) log::warn("what this comparison finds is not kept", {{"error", describe(written.error())}});
}

Result<void> KeptResults::write_plan(const std::vector<Planned>& tables, const Until& until) {
  std::vector<std::string> schemas, names, numbers, from, before, shapes;
  for (const Planned& table : tables) {
    for (std::size_t number = 0; number < table.ranges.size(); ++number) {
      schemas.push_back(table.table.schema);
      names.push_back(table.table.name);
      numbers.push_back(std::to_string(number));
      from.push_back(array_literal(table.ranges[number].from));
      before.push_back(array_literal(table.ranges[number].before));
      shapes.push_back(table.shape);
    }
  }
  TRY(session_.query(forget_tables, {run_, array_literal(schemas), array_literal(names)}, until));
  TRY(session_.query(plan_ranges,
                     {run_, array_literal(schemas), array_literal(names), array_literal(numbers), array_literal(from),
                      array_literal(before), array_literal(shapes)},
                     until));
  return {};
}

void KeptResults::begin_moment(const Until& until) {
  const std::lock_guard guard(mutex_);
  read_since_ = SteadyClock::now();
  if (session_.usable()) return;
  const Result<void> taken = take_up_session(until);
  if (!taken) log::info("what is found is not kept for now", {{"reason", describe(taken.error())}});
}

// Only where the ledger still has what this comparison has planned: another one may have had the run meanwhile.
Result<void> KeptResults::take_up_session(const Until& until) {
  std::optional<Connection> session = TRY(open_session(ends_, run_, until));
  if (!session) return Error{Fault::failed, "another process is at work on this comparison"};
  std::swap(session_, *session);
  Result<Ranges> there = read(until);
  const bool is_same =
      there &&
      std::equal(ranges_.begin(), ranges_.end(), there->begin(), there->end(), [](const auto& a, const auto& b) {
        return a.first == b.first &&
               std::equal(a.second.begin(), a.second.end(), b.second.begin(), b.second.end(), is_same_range);
      });
  if (is_same) return {};
  std::swap(session_, *session);
  return there ? Error{Fault::failed, "another process has planned this comparison anew"} : there.error();
}

void KeptResults::record(const model::Name& table, int number, const api::TableVerification& found,
                         const Until& until) {
  const std::lock_guard guard(mutex_);
  unwritten_.push_back({table, number, api::to_json(found)});
  if (write_due_.passed()) write(until);
}

void KeptResults::flush(const Until& until) {
  const std::lock_guard guard(mutex_);
  write(until);
}

// Call with the mutex held.
void KeptResults::write(const Until& until) {
  if (!session_.usable()) unwritten_.clear();
  if (unwritten_.empty()) return;
  std::vector<std::string> schemas, names, numbers, found;
  for (const Unwritten& each : unwritten_) {
    schemas.push_back(each.table.schema);
    names.push_back(each.table.name);
    numbers.push_back(std::to_string(each.number));
    found.push_back(each.found);
  }
  unwritten_.clear();
  write_due_ = Deadline::after(write_every);
  const auto age = std::chrono::ceil<Seconds>(SteadyClock::now() - read_since_);
  const Result<Rows> written =
      session_.query(record_found,
                     {run_, array_literal(schemas), array_literal(names), array_literal(numbers), array_literal(found),
                      std::to_string(age.count()) + " seconds"},
                     until);
  if (!written) log::warn("what was found is not kept", {{"error", describe(written.error())}});
}

void KeptResults::forget(const Until& until) {
  Result<Rows> forgotten = session_.query(forget_run, {run_}, until);
  if (!forgotten && !session_.usable()) {
    begin_moment(until);
    forgotten = session_.query(forget_run, {run_}, until);
  }
  if (!forgotten) log::warn("what was found is not forgotten", {{"error", describe(forgotten.error())}});
}

}  // namespace tributary::postgres::verify
