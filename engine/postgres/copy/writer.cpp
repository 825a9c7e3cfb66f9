#include "engine/postgres/copy/writer.h"

#include "engine/postgres/catalog/firing.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/copy/copy_error.h"
#include "engine/postgres/copy/copy_statement.h"
#include "engine/postgres/copy/statistics.h"

namespace tributary::postgres {
namespace {

constexpr std::uint64_t worth_freezing = 1U << 20;

}  // namespace

Result<void> Writer::begin(const Until& until) {
  done_.clear();
  return connection_.execute("BEGIN", until);
}

// A table emptied in this very transaction is written frozen: no VACUUM has to visit it again, and a server with
// wal_level minimal writes no WAL for it. Parts of a table share it and can do neither; a small table, which is empty,
// is not worth the TRUNCATE, and a table that others refer to refuses it. Nor can a leaf that rows of others are sent
// to.
Result<void> Writer::open(const model::Table& table, const model::CopyPart& part, const Until& until) {
  const bool whole = part.of == 1 && !table.route;
  const bool large = whole && table.bytes >= worth_freezing;
  Freeze freeze = Freeze::no;
  if (large || (whole && options_->may_all_exist)) {
    const Emptied emptied = TRY(take_empty(table.name, until));
    if (large && emptied == Emptied::may_be) freeze = Freeze::yes;
  }
  if (options_->may_all_exist) TRY(require_nothing_fires(table, until));
  if (freeze == Freeze::yes) TRY(connection_.execute("TRUNCATE ONLY " + quote_name(table.name), until));
  table_ = table;
  Result<CopyIn> copy = connection_.copy_in(copy_in_sql(table, freeze), until);
  if (!copy) return refused(copy.error());
  copy_.emplace(std::move(copy).value());
  done_.push_back({table.name, part.number, part.of, {}});
  return {};
}

// What the copy itself creates of that kind comes after all rows. Nobody changes what fires while the table is held.
Result<void> Writer::require_nothing_fires(const model::Table& table, const Until& until) {
  const model::Name place = written_to(table);
  TRY(connection_.execute("LOCK TABLE " + quote_name(place) + " IN ROW EXCLUSIVE MODE", until));
  const std::vector<Firing> firing = TRY(read_firing(connection_, {place}, Writing::copy, until));
  if (firing.empty()) return {};
  return Error{Fault::invalid, "table " + model::display(table.name) + ": on the target, " + firing.front().what,
               firing.front().remedy};
}

// Nobody else writes to it until the transaction ends. Never to be emptied is what foreign keys of other tables refer
// to, and a table of an extension, which may hold rows of its own.
Result<Writer::Emptied> Writer::take_empty(const model::Name& table, const Until& until) {
  const std::string name = quote_name(table);
  TRY(connection_.execute("LOCK TABLE ONLY " + name + " IN ACCESS EXCLUSIVE MODE", until));
  const std::string id = quote_literal(name) + "::pg_catalog.regclass";
  const Rows state = TRY(connection_.query_row(
      "SELECT EXISTS (SELECT FROM ONLY " + name +
          "), EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid <> confrelid"
          " AND confrelid = " +
          id +
          "), EXISTS (SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
          " AND objid = " +
          id + " AND deptype = 'e')",
      {}, until));
  if (state.boolean(0, 2)) return Emptied::never;
  if (!state.boolean(0, 0)) return state.boolean(0, 1) ? Emptied::never : Emptied::may_be;
  return Error{Fault::invalid, "table " + model::display(table) + " holds rows that others wrote since it was checked",
               "keep writers away until the copy is done, then empty the table or leave it out; they were not touched"};
}

Error Writer::refused(const Error& error) const {
  return copy_error(table_, connection_.sqlstate(), connection_.diagnosis(), error);
}

Result<void> Writer::write(std::span<const std::byte> bytes, const Until& until) {
  const Result<void> written = copy_->write(bytes, until);
  return written ? written : refused(written.error());
}

Result<pipeline::PartCount> Writer::close(std::uint64_t bytes, const Until& until) {
  const Result<std::uint64_t> rows = copy_->finish(until);
  if (!rows) return refused(rows.error());
  copy_.reset();
  done_.back().count = {*rows, bytes};
  return done_.back().count;
}

Result<void> Writer::commit(const Until& until) {
  TRY(record_parts(connection_, owner_, done_, until));
  return connection_.execute("COMMIT", until);
}

Result<std::vector<api::Finding>> Writer::run(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                              const Effort& effort, const Until& until) {
  return steps_.run(schema, steps, effort, until);
}

Result<std::vector<api::Finding>> Writer::validate(const pipeline::Schema& schema,
                                                   const std::vector<std::size_t>& steps, const Until& until) {
  return steps_.validate(schema, steps, until);
}

// One that fails ends a list of them, so then each is gathered by itself. Whatever the server has against it, the rows
// are there; only a session that is lost, or was stopped, is the copy's end.
Result<std::vector<api::Finding>> Writer::analyze(const std::vector<pipeline::Sample>& samples, const Until& until) {
  std::string sql;
  for (const pipeline::Sample& sample : samples) sql += (sql.empty() ? "ANALYZE " : ", ") + sample.subject;
  std::vector<api::Finding> findings;
  const auto fatal = [&](const Result<void>& result) {
    return !result && (result.error().fault == Fault::cancelled || !connection_.usable());
  };
  const Result<void> together = connection_.execute(sql, until);
  if (fatal(together)) return together.error();
  if (together) return findings;
  for (const pipeline::Sample& sample : samples) {
    const Result<void> gathered = connection_.execute("ANALYZE " + sample.subject, until);
    if (fatal(gathered)) return gathered.error();
    if (!gathered) findings.push_back(statistics_left_out(sample.object, gathered.error().what));
  }
  return findings;
}

}  // namespace tributary::postgres
