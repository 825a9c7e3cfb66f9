#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/model/lsn.h"
#include "engine/pipeline/applier.h"
#include "engine/postgres/ledger/ledger.h"
#include "engine/testing/postgres_server.h"

namespace tributary::testbed {

// A target with a ledger, of a stream that stands at the beginning.
class Replica {
 public:
  // `tables` creates the tables; all of schema public are followed from the beginning on.
  Replica(PostgresServer& server, const std::string& tables);

  const Database& database() const { return database_; }
  const postgres::Owner& owner() const { return owner_; }

  // Of one table, whose rows are those of this position.
  void copied_at(const std::string& table, model::Lsn position);
  // Of one table, whose rows were replaced by those of this position.
  void recopied_at(const std::string& table, model::Lsn position);
  // Beside the stream's own session, under its epoch.
  Result<std::unique_ptr<pipeline::Applier>> open_for(const std::vector<model::Name>& tables);
  // A session of the stream's own, with its epoch; an earlier one has lost the stream.
  std::unique_ptr<pipeline::Applier> open();
  // The same as a role that is no superuser.
  std::unique_ptr<pipeline::Applier> open_as(const std::string& role, const std::string& password);
  // What the ledger says: "applied|commit time|tables that stopped".
  std::string ledger() const;
  // Rows of a query, one a line, columns by "|".
  std::string rows(const std::string& sql) const;
  void end_sessions() const;

 private:
  std::unique_ptr<pipeline::Applier> open_at(const std::string& uri);

  PostgresServer* server_;
  Database database_;
  postgres::Owner owner_{"uid-apply", 0, 0};
};

}  // namespace tributary::testbed
