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

}  // namespace

Result<std::unique_ptr<KeptResults>> KeptResults::open(const DatabaseEnds& ends, const std::string& run, bool restart,
                                                       const Until& until) {
  Parameters parameters = TRY(ends.target());
  parameters["application_name"] = "tributary/verify";
  Connection session = TRY(open_data_session(parameters, until));
  if (TRY(read_control_version(session, until)) != control_version) return std::unique_ptr<KeptResults>();
  const Rows locked = TRY(session.query_row(lock, {run}, until));
  if (!locked.boolean(0, 0)) return std::unique_ptr<KeptResults>();
  std::unique_ptr<KeptResults> kept(new KeptResults(std::move(session), run));
  Result<void> ready = kept->session_.execute(forget_old, until);
  if (ready && restart) kept->forget(until);
  if (ready) ready = kept->read(until);
  if (ready) return kept;
  if (!is_refusal(kept->session_.sqlstate())) return ready.error();
  log::info("what this comparison finds is not kept", {{"reason", ready.error().what}});
  return std::unique_ptr<KeptResults>();
}

Result<void> KeptResults::read(const Until& until) {
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
    ranges_[{rows.str(row, 0), rows.str(row, 1)}].push_back(std::move(range));
  }
  return {};
}

std::vector<KeptRange> KeptResults::ranges_of(const model::Name& table, const std::string& shape) const {
  const auto found = ranges_.find(table);
  return found == ranges_.end() || found->second.front().shape != shape ? std::vector<KeptRange>{} : found->second;
}

Result<void> KeptResults::plan(const std::vector<Planned>& tables, const Until& until) {
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

void KeptResults::begin_moment() {
  const std::lock_guard guard(mutex_);
  read_since_ = SteadyClock::now();
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
  const Result<Rows> forgotten = session_.query(forget_run, {run_}, until);
  if (!forgotten) log::warn("what was found is not forgotten", {{"error", describe(forgotten.error())}});
}

}  // namespace tributary::postgres::verify
