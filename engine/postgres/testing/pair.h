#pragma once

#include <future>
#include <string>

#include "engine/api/report.h"
#include "engine/api/spec.h"
#include "engine/pipeline/progress.h"
#include "engine/testing/postgres_server.h"

// A small source and an empty target, and a snapshot between them that the test disturbs.
namespace tributary::testbed {

// a (2000 rows), b (1000 rows that refer to it), c (7 rows and a sequence).
extern const char* const three_tables;

// On the servers that all tests use: from PostgreSQL 15, which holds three_tables, to 18.
struct Pair {
  explicit Pair(const std::string& name);
  api::Spec spec(const std::string& replication, int attempt = 0) const;
  // Ends the sessions of one side whose application_name is like `pattern`.
  static void end_sessions(PostgresServer& of, const Database& database, const std::string& pattern);

  PostgresServer& from;
  PostgresServer& to;
  Database source;
  Database target;
};

// A snapshot on a thread of its own. Borrows the board.
std::future<api::Report> start(const api::Spec& spec, pipeline::ProgressBoard& board);

// Until the run says that it waits for `words`.
void wait_until_it_waits_for(const std::string& words, const pipeline::ProgressBoard& board);

// Of the target's ledger: how often an engine has begun.
std::string epoch_of(const Database& target, const std::string& replication);

}  // namespace tributary::testbed
