#include "engine/postgres/writer.h"

#include "engine/postgres/copy_statement.h"
#include "engine/postgres/sql.h"

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
// is not worth the TRUNCATE, and a table that others refer to refuses it.
Result<void> Writer::open(const model::Table& table, const model::CopyPart& part, const Until& until) {
  const bool whole = part.of == 1;
  const bool large = whole && table.bytes >= worth_freezing;
  Freeze freeze = Freeze::no;
  if (large || (whole && options_->may_all_exist)) {
    const bool referred_to = TRY(take_empty(table.name, until));
    if (large && !referred_to) freeze = Freeze::yes;
  }
  if (freeze == Freeze::yes) TRY(connection_.execute("TRUNCATE ONLY " + quote_name(table.name), until));
  copy_.emplace(TRY(connection_.copy_in(copy_in_sql(table, freeze), until)));
  done_.push_back({table.name, part.number, part.of, {}});
  return {};
}

// Nobody else writes to it until the transaction ends. True when foreign keys of other tables refer to it.
Result<bool> Writer::take_empty(const model::Name& table, const Until& until) {
  const std::string name = quote_name(table);
  TRY(connection_.execute("LOCK TABLE ONLY " + name + " IN ACCESS EXCLUSIVE MODE", until));
  const Rows state = TRY(connection_.query_row(
      "SELECT EXISTS (SELECT FROM ONLY " + name +
          "), EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid <> confrelid"
          " AND confrelid = " +
          quote_literal(name) + "::pg_catalog.regclass)",
      {}, until));
  if (!state.boolean(0, 0)) return state.boolean(0, 1);
  return Error{Fault::invalid, "table " + model::display(table) + " holds rows that others wrote since it was checked",
               "keep writers away until the copy is done, then empty the table or leave it out; they were not touched"};
}

Result<void> Writer::write(std::span<const std::byte> bytes, const Until& until) {
  return copy_->write(bytes, until);
}

Result<pipeline::PartCount> Writer::close(std::uint64_t bytes, const Until& until) {
  done_.back().count = {TRY(copy_->finish(until)), bytes};
  copy_.reset();
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

}  // namespace tributary::postgres
