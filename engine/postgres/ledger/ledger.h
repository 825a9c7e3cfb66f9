#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/table.h"
#include "engine/pipeline/target.h"
#include "engine/postgres/client/connection.h"

// The rows of one replication in `_tributary`, as statements. Everything that writes is one transaction that touches
// the replication's row under its epoch, or fails with Fault::fenced.
namespace tributary::postgres {

// Who writes: everything that a statement needs to be fenced.
struct Owner {
  std::string key;  // of the replication
  int attempt = 0;
  std::int64_t epoch = 0;
};

struct ReplicationRow {
  pipeline::SourceIdentity source;
  std::int64_t epoch = 0;
  int attempt = 0;
  bool complete = false;
  api::Consistency consistency = api::Consistency::snapshot;
  std::string request_id;
  std::string schema_digest;  // "" until a schema was planned
  std::string completed;      // RFC 3339
  model::Lsn position;
};

// `declared` is Spec.replication. Without it the replication is what is copied from where: `selection` is a digest of
// the selected tables, "" for all.
std::string replication_key(const std::string& declared, const pipeline::SourceIdentity& source,
                            const std::string& selection);
// What tells the targets of one source apart on it: the target's system, wherever it answers, and its database. "" for
// a declared replication, whose name is its own. `target` is a session on the server, in any database.
Result<std::string> read_target_identity(Connection& target, const std::string& declared, const std::string& database,
                                         const Until& until);
// Of Selection::table_entries_of(); "" where all tables are selected.
std::string digest_of(const std::vector<std::string>& table_entries);

std::string digest_of(const pipeline::SchemaStep& step);
std::string digest_of(const pipeline::Schema& schema);

// Reads; the control schema must exist.
Result<std::optional<ReplicationRow>> read_replication(Connection& target, const std::string& key, const Until& until);
Result<pipeline::TableRecords> read_tables_done(Connection& target, const std::string& key, const Until& until);
// Digests.
Result<std::set<std::string>> read_steps_done(Connection& target, const std::string& key, const Until& until);
Result<std::vector<std::string>> other_replications(Connection& target, const std::string& key, const Until& until);
// Of the others those whose copy is not complete.
Result<std::vector<std::string>> unfinished_replications(Connection& target, const std::string& key,
                                                         const Until& until);

// After a rewind: the schema that the attempt is about to create, the position of its snapshot (zero: none), and how
// its rows will stand to each other.
Result<void> record_schema(Connection& target, const Owner& owner, const std::string& schema_digest,
                           model::Lsn position, api::Consistency consistency, const Until& until);

// Begins an attempt: a row of its own or the next epoch of the existing one, and of its stream. Nobody else can commit
// from here on.
Result<std::int64_t> begin_epoch(Connection& target, const Owner& owner, const ReplicationRow& row, const Until& until);

// What a writer learns whose epoch is over.
Error fenced_out(const Owner& owner);

// Inside the caller's transaction: the fence. Fault::fenced when the epoch is no longer ours.
Result<void> fence(Connection& target, const Owner& owner, const Until& until);

// Outside of a transaction: waits until a transaction of ours has ended whose COMMIT a lost session may have left on
// its way. The fence holds the row of the ledger from before it on.
Result<void> await_commits(Connection& target, const Owner& owner, const Until& until);

// The body and the fence as one transaction.
template <class Body>
Result<void> in_transaction(Connection& target, const Owner& owner, const Until& until, Body&& body) {
  TRY(target.execute("BEGIN", until));
  Result<void> done = body();
  if (done) done = fence(target, owner, until);
  if (done) return target.execute("COMMIT", until);
  target.roll_back();
  return done;
}

// Inside the caller's transaction: the rows of parts that were copied in it, together with the fence.
struct DonePart {
  model::Name table;
  int number = 0;
  int of = 1;
  pipeline::PartCount count;
};
Result<void> record_parts(Connection& target, const Owner& owner, const std::vector<DonePart>& parts,
                          const Until& until);

// Inside the caller's transaction: steps that were carried out in it, together with the fence.
struct DoneStep {
  std::size_t step = 0;  // index into the schema
  std::string undo;      // "" where it goes with something else
};
Result<void> record_steps(Connection& target, const Owner& owner, const pipeline::Schema& schema,
                          const std::vector<DoneStep>& steps, const Until& until);

// Inside the caller's transaction: large objects that were copied in it, together with the fence.
Result<void> record_objects(Connection& target, const Owner& owner, std::span<const std::uint32_t> objects,
                            const Until& until);

// Inside the caller's transaction: the tables of the attempt that begins, all to be copied but `kept`. Refused where
// another replication that is not complete has one of them: it may empty or fill the table at any time.
Result<void> plan_tables(Connection& target, const Owner& owner, const std::vector<model::Table>& tables,
                         const pipeline::TableRecords& kept, const Until& until);

// Inside the caller's transaction: the end of a snapshot. Its commit returns when it is on disk, and with it everything
// that was committed before.
Result<void> mark_complete(Connection& target, const Owner& owner, const Until& until);

}  // namespace tributary::postgres
