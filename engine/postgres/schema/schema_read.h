#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/pipeline/schema.h"
#include "engine/postgres/catalog/target_traits.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/schema/sequences.h"

// The schema of one source database as the exported snapshot sees it: pg_dump describes it, the catalog adds what
// pg_dump's description does not tell apart, and the pure functions of schema_steps.h make the list of statements.
namespace tributary::postgres {

// Asked for ordinary, partitioned and foreign tables.
using SelectsTable = std::function<bool(const model::Name&)>;

struct SchemaRequest {
  Parameters source;     // of the database itself; the password reaches pg_dump through an unnamed file in memory
  std::string snapshot;  // id of the exported snapshot
  std::string pg_dump;   // absolute path of a pg_dump that is new enough (pg_tools.h)
  SelectsTable selects;  // whether the rows of a table are to be copied
  TargetTraits target;
  Milliseconds lock_timeout{30'000};  // of pg_dump
  // Whether the target has a table already: of such a one only the sequences that its columns own.
  SelectsTable has = [](const model::Name&) { return false; };
};

struct SourceSchema {
  pipeline::Schema schema;
  // Sequences that the steps create and whose values are to be carried over (sequences.h).
  std::vector<Sequence> sequences;
};

// `source` is in a transaction that uses the snapshot. What is left out or may fail is added to `findings`.
Result<SourceSchema> read_schema(Connection& source, const SchemaRequest& request, std::vector<api::Finding>& findings,
                                 const Until& until);

}  // namespace tributary::postgres
