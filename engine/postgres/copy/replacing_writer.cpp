#include "engine/postgres/copy/replacing_writer.h"

#include "engine/postgres/catalog/firing.h"
#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/copy/copy_error.h"
#include "engine/postgres/copy/copy_statement.h"
#include "engine/postgres/ledger/belonging.h"

namespace tributary::postgres {
namespace {

// Where the role may not say that nothing fires, a DELETE would take the rows of others along, or be refused.
constexpr const char* keys_take_part =
    "SELECT pg_catalog.current_setting('session_replication_role') <> 'replica' AND EXISTS ("
    "SELECT FROM pg_catalog.pg_constraint c WHERE c.contype = 'f' AND $1::pg_catalog.regclass IN (c.conrelid,"
    " c.confrelid))";

}  // namespace

// Rows that a lost writer still brings would not be seen by a DELETE that began before them.
Result<void> ReplacingWriter::begin(const Until& until) {
  emptied_.clear();
  TRY(await_commits(connection_, owner_, until));
  conditions_ = TRY(read_config_tables(connection_, until));
  return connection_.execute("SET lock_timeout = '30s'; BEGIN", until);
}

Result<void> ReplacingWriter::open(const model::Table& table, const model::CopyPart&, const Until& until) {
  table_ = table;
  const model::Name& into = written_to(table);
  if (emptied_.insert(into).second) TRY(empty(into, table.route.has_value(), until));
  Result<CopyIn> copy = connection_.copy_in(copy_in_sql(table, Freeze::no), until);
  if (!copy) return refused(copy.error());
  copy_.emplace(std::move(copy).value());
  return {};
}

Result<void> ReplacingWriter::empty(const model::Name& table, bool with_partitions, const Until& until) {
  const std::string name = quote_name(table);
  const Result<void> ours = check_belongs(connection_, owner_, table, with_partitions, until);
  if (!ours) return ours.error().fault == Fault::invalid ? ours.error() : refused(ours.error());
  // Nobody changes what fires while it is held.
  const Result<void> held = connection_.execute(
      (with_partitions ? "LOCK TABLE " : "LOCK TABLE ONLY ") + name + " IN ROW EXCLUSIVE MODE", until);
  if (!held) return refused(held.error());
  const Result<Rows> keys = connection_.query_row(keys_take_part, {name}, until);
  if (!keys) return refused(keys.error());
  if (keys->boolean(0, 0))
    return Error{
        Fault::invalid,
        "foreign keys of the target would take part in replacing its rows, since the target's role may not set "
        "session_replication_role",
        "grant it that right, or drop these keys"};
  const Result<std::vector<Firing>> firing = read_firing(connection_, {table}, Writing::changes, until);
  if (!firing) return refused(firing.error());
  if (!firing->empty()) return Error{Fault::invalid, reason_of(firing->front())};
  const auto condition = conditions_.find(table);
  const Result<void> emptied = connection_.execute((with_partitions ? "DELETE FROM " : "DELETE FROM ONLY ") + name +
                                                       (condition == conditions_.end() ? "" : " " + condition->second),
                                                   until);
  return emptied ? emptied : refused(emptied.error());
}

// A full disk, or somebody who ends the statement, is nothing about the table.
Error ReplacingWriter::refused(const Error& error) const {
  const std::string& state = connection_.sqlstate();
  Error told = copy_error(table_, state, connection_.diagnosis(), error);
  if (state == "53100" || state == "57014") told.fault = Fault::transient;
  return told;
}

Result<void> ReplacingWriter::write(std::span<const std::byte> bytes, const Until& until) {
  const Result<void> written = copy_->write(bytes, until);
  return written ? written : refused(written.error());
}

Result<pipeline::PartCount> ReplacingWriter::close(std::uint64_t bytes, const Until& until) {
  const Result<std::uint64_t> rows = copy_->finish(until);
  if (!rows) return refused(rows.error());
  copy_.reset();
  return pipeline::PartCount{*rows, bytes};
}

Result<void> ReplacingWriter::commit(const std::vector<RecopiedTable>& tables, model::Lsn position,
                                     const Until& until) {
  TRY(record_recopied(connection_, owner_, tables, position, until));
  return connection_.execute("COMMIT", until);
}

}  // namespace tributary::postgres
