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
// is not worth the TRUNCATE.
Result<void> Writer::open(const model::Table& table, const model::CopyPart& part, const Until& until) {
  const Freeze freeze = part.of == 1 && table.bytes >= worth_freezing ? Freeze::yes : Freeze::no;
  if (freeze == Freeze::yes) TRY(connection_.execute("TRUNCATE ONLY " + quote_name(table.name), until));
  copy_.emplace(TRY(connection_.copy_in(copy_in_sql(table, freeze), until)));
  done_.push_back({table.name, part.number, part.of, {}});
  return {};
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
