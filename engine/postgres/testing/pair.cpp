#include "engine/postgres/testing/pair.h"

#include "engine/postgres/testing/snapshot.h"

namespace tributary::testbed {

const char* const three_tables =
    "CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a SELECT i, repeat('x', i % 50) FROM"
    " generate_series(1, 2000) i; CREATE TABLE b (a int REFERENCES a); INSERT INTO b SELECT i FROM"
    " generate_series(1, 1000) i; CREATE TABLE c (id serial); INSERT INTO c SELECT FROM generate_series(1, 7)";

Pair::Pair(const std::string& name)
    : from(server(15)), to(server(18)), source(from.create_database(name)), target(to.create_database(name)) {
  source.exec(three_tables);
}

api::Spec Pair::spec(const std::string& replication, int attempt) const {
  api::Spec made = spec_between(source.uri(), target.uri());
  made.replication = replication;
  made.attempt = attempt;
  return made;
}

void Pair::end_sessions(PostgresServer& of, const Database& database, const std::string& pattern) {
  of.exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database.name() +
                          "' AND application_name LIKE '" + pattern + "'");
}

std::future<api::Report> start(const api::Spec& spec, pipeline::ProgressBoard& board) {
  return std::async(std::launch::async, [&board, spec] { return snapshot(spec, board); });
}

void wait_until_it_waits_for(const std::string& words, const pipeline::ProgressBoard& board) {
  wait_until("the engine waits: " + words, [&] {
    const api::Progress progress = board.snapshot();
    return progress.phase == api::Phase::waiting && progress.message.find(words) != std::string::npos;
  });
}

std::string epoch_of(const Database& target, const std::string& replication) {
  return target.scalar("SELECT epoch FROM _tributary.replication WHERE key = '" + replication + "'");
}

}  // namespace tributary::testbed
