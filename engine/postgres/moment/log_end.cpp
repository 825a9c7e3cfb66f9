#include "engine/postgres/moment/log_end.h"

#include "engine/postgres/client/lsn_of.h"

namespace tributary::postgres::moment {
namespace {

constexpr std::uint64_t header_of_page = 24;
constexpr std::uint64_t header_of_segment = 40;

}  // namespace

model::Lsn end_of_record_before(model::Lsn insert, std::uint64_t page, std::uint64_t segment) {
  const std::uint64_t header = insert.value % segment < page ? header_of_segment : header_of_page;
  return {insert.value % page == header ? insert.value - header : insert.value};
}

Result<model::Lsn> read_log_end(Connection& source, const Until& until) {
  const Rows rows =
      TRY(source.query_row("SELECT pg_catalog.pg_is_in_recovery(), CASE WHEN pg_catalog.pg_is_in_recovery()"
                           " THEN greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())"
                           " ELSE pg_catalog.pg_current_wal_insert_lsn() END,"
                           " pg_catalog.current_setting('wal_block_size'), (SELECT setting FROM pg_catalog.pg_settings"
                           " WHERE name = 'wal_segment_size')",
                           {}, until));
  const model::Lsn end = lsn_of(rows, 0, 1);
  if (rows.boolean(0, 0)) return end;
  return end_of_record_before(end, static_cast<std::uint64_t>(rows.integer(0, 2)),
                              static_cast<std::uint64_t>(rows.integer(0, 3)));
}

}  // namespace tributary::postgres::moment
