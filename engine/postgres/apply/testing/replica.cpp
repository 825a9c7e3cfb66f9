#include "engine/postgres/apply/testing/replica.h"

#include "engine/postgres/apply/applier.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/stream_ledger.h"

namespace tributary::testbed {
namespace {

using namespace postgres;

const char* const application = "tributary/test/apply";

Until enough() {
  return {Deadline::after(Seconds{60}), {}};
}

Connection connect(const std::string& uri) {
  return open_target_session(parse_conninfo(uri).value(), application, "UTF8", enough()).value();
}

std::vector<model::Table> tables_of(const Database& database) {
  std::vector<model::Table> tables;
  for (const Row& row : database.query("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                                       " AND relkind IN ('r', 'p') ORDER BY relname")) {
    model::Table table;
    table.name = {"public", *row[0]};
    tables.push_back(table);
  }
  return tables;
}

}  // namespace

Replica::Replica(PostgresServer& server, const std::string& tables)
    : server_(&server), database_(server.create_database("apply")) {
  database_.exec(tables);
  Connection target = connect(database_.uri());
  ensure_control_schema(target, enough()).value();
  ReplicationRow row;
  row.source = {"7000000000000000001", "app"};
  owner_.epoch = begin_epoch(target, owner_, row, enough()).value();
  const std::vector<model::Table> planned = tables_of(database_);
  plan_tables(target, owner_, planned, {}, enough()).value();
  StreamRow stream;
  stream.slot = stream.publication = "tributary_test";
  record_stream(target, owner_, stream, enough()).value();
  std::vector<FollowedTable> followed;
  for (const model::Table& table : planned) followed.push_back({table.name, FollowedTable::State::followed, {}, ""});
  record_followed_tables(target, owner_, followed, enough()).value();
}

void Replica::copied_at(const std::string& table, model::Lsn position) {
  Connection target = connect(database_.uri());
  record_followed_tables(target, owner_, {{{"public", table}, FollowedTable::State::followed, position, ""}}, enough())
      .value();
}

void Replica::recopied_at(const std::string& table, model::Lsn position) {
  Connection target = connect(database_.uri());
  record_followed_tables(target, owner_, {{{"public", table}, FollowedTable::State::recopy, position, ""}}, enough())
      .value();
}

Result<std::unique_ptr<pipeline::Applier>> Replica::open_for(const std::vector<model::Name>& tables) {
  return apply::open_recopy_applier(connect(database_.uri()), owner_, tables, enough());
}

std::unique_ptr<pipeline::Applier> Replica::open() {
  return open_at(database_.uri());
}

std::unique_ptr<pipeline::Applier> Replica::open_as(const std::string& role, const std::string& password) {
  return open_at(server_->tcp_uri(database_.name(), role, password));
}

std::unique_ptr<pipeline::Applier> Replica::open_at(const std::string& uri) {
  Connection target = connect(uri);
  owner_.epoch = begin_stream_epoch(target, owner_, 1, enough()).value();
  return apply::open_applier(std::move(target), owner_, enough()).value();
}

std::string Replica::ledger() const {
  return rows(
      "SELECT applied, to_char(commit_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),"
      " (SELECT string_agg(table_name || ': ' || reason, '; ' ORDER BY table_name) FROM _tributary.table_state"
      "   WHERE stream = 'stopped') FROM _tributary.stream");
}

std::string Replica::rows(const std::string& sql) const {
  std::string text;
  for (const Row& row : database_.query(sql)) {
    for (std::size_t at = 0; at < row.size(); ++at) text += (at == 0 ? "" : "|") + row[at].value_or("-");
    text += "\n";
  }
  return text;
}

void Replica::end_sessions() const {
  database_.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" +
                 std::string(application) + "' AND datname = current_database() AND pid <> pg_backend_pid()");
}

}  // namespace tributary::testbed
