#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/spec.h"
#include "engine/model/lsn.h"
#include "engine/model/name.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/schema/shape_change.h"
#include "engine/postgres/sync/source_sight.h"

// What is to be done about tables that the source defines in another way than the ledger says. Pure.
namespace tributary::postgres::sync {

struct KnownTable {
  FollowedTable table;
  std::optional<TableShape> shape;  // nothing where the ledger does not know it yet
  bool is_absent = false;           // to be copied again, and the target does not have it
};

struct TableDecision {
  model::Name name;     // in the ledger
  FollowedTable table;  // as the ledger is to have it, maybe under a new name
  ShapeChange change;   // to be carried out on the target before; with `stopped` nothing of it is
  // Its rows are being copied again, or soon: who does so moves its position. A change that needs another copy asks
  // for them once more, for he may have copied them before it.
  bool is_being_copied = false;
  bool is_cut = false;  // the source has begun to leave some of its changes out
  bool is_detached = false;
  bool is_attached = false;
  bool is_emptied = false;                                       // before: its rows are to be replaced, and in the way
  bool is_put_off = false;                                       // to another look
  bool is_news = false;                                          // else it is only to be recorded
  FollowedTable::State before = FollowedTable::State::followed;  // of the table, as the ledger had it
};

// Tables that change names together, before anything else is carried out: all of them or none.
struct RenamedTables {
  std::vector<std::size_t> decisions;   // of the plan
  std::vector<std::string> statements;  // for the target; those alone that its tables need
};

struct ShapePlan {
  std::vector<TableDecision> decisions;   // detached partitions come first
  std::vector<RenamedTables> renamed;     // of those that go on
  std::vector<const SourceTable*> added;  // selected, and not known, or absent: of `now`
  bool waits = false;                     // for the stream to pass what the source has changed
  bool publishes = false;                 // our publication is to be brought to the tables of now
};

// `before` is an earlier look, all of which the stream had carried out if `applied` is past it.
ShapePlan plan_shapes(const std::vector<KnownTable>& known, const SourceSight& now, const SourceSight* before,
                      model::Lsn applied, api::SchemaChanges policy);

// Why a table stops whose change the target would not take, or is not asked to. `refusal` may be empty.
std::string stopping_reason(const ShapeChange& change, const std::string& refusal);

}  // namespace tributary::postgres::sync
