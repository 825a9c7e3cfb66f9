#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/api/report.h"
#include "engine/base/result.h"
#include "engine/model/table.h"
#include "engine/pipeline/schema.h"
#include "engine/pipeline/slot_health.h"
#include "engine/pipeline/source.h"
#include "engine/pipeline/target.h"
#include "engine/pipeline/testing/calls.h"

// What the fake servers hold, apart from the connections to them.
namespace tributary::pipeline::testing {

constexpr std::uint64_t rows_per_page = 2;

struct SourceTable {
  model::Table table;
  std::vector<std::string> rows;  // row n lies on page n / rows_per_page
  bool miscounted = false;        // the source counts one row more than it sends
};

struct SourceDatabase {
  std::vector<SourceTable> tables;
  Schema schema;
  std::vector<SequenceValue> sequences;
  std::set<std::uint32_t> objects;
  std::vector<api::Finding> findings;
  int slot = 0;                     // that its log is kept for; 0: none
  model::Lsn position{0x1000};      // of its log
  model::Lsn confirmed;             // of the slot
  std::vector<api::Finding> unfit;  // what no target can be given of the database itself
};

// What is committed in a target database, its ledger included.
struct TargetDatabase {
  std::map<model::Name, std::multiset<std::string>> rows;
  struct Parts {
    int of = 0;
    std::map<int, PartCount> done;
  };
  std::map<model::Name, Parts> tables;  // planned
  std::set<std::string> steps;          // by object
  std::set<std::string> skipped;        // by the last attempt
  std::set<std::string> validated;
  std::map<model::Name, std::int64_t> sequences;
  std::set<std::uint32_t> objects;
  std::set<std::string> analyzed;
  bool described = false;
  bool complete = false;
  std::string request_id;
  model::Lsn position;
  std::string slot;  // of its stream; "": none
  model::Lsn from, applied;
  bool released = false;
  std::map<model::Name, model::Lsn> followed;  // what they were copied at
  std::map<model::Name, int> copied;           // how often
  std::size_t planned_steps = 0;
  api::Consistency consistency = api::Consistency::snapshot;
  int epoch = 0;                // 0: the ledger knows nothing yet
  const void* owner = nullptr;  // who holds the session lock
  bool superseded = false;      // by a later attempt
  bool foreign_rows = false;    // somebody else's

  bool whole(const model::Name& table) const;
  TableRecords records() const;
  // Everything that outlives a replication, in words; not who wrote it, nor in how many attempts.
  std::string contents() const;
};

// Both servers of a replication. The fakes use it under its mutex; tests use it freely while no fake is at work.
struct World {
  Calls calls;
  std::mutex mutex;
  std::map<std::string, SourceDatabase> source;
  std::map<std::string, TargetDatabase> target;
  std::set<std::string> roles;  // on the target
  std::vector<api::Finding> role_findings;
  std::vector<api::Finding> object_findings;
  int streams = 1;
  bool resume_per_table = false;
  bool goes_on = false;                        // with the stream of an earlier attempt
  bool is_followed = false;                    // when the copy is complete
  bool writes = false;                         // somebody does, before each snapshot
  std::set<std::string> not_streamed;          // of the tables
  std::map<model::Lsn, SourceDatabase> views;  // that snapshots were taken of
  // With these, a run that finds its snapshot complete decides as postgres/course.h says.
  bool declared = false;
  bool drops_existing = false;
  std::string request_id;
  std::set<std::string> loses_rows_of;  // target tables that take one row less than they were sent
  std::function<Result<std::vector<api::Finding>>()> preflight;
  std::function<Result<bool>(const Until&)> at_work = [](const Until&) { return false; };
  std::function<Result<bool>(const Until&)> source_at_work = [](const Until&) { return false; };
  std::function<void()> after_object;  // that was copied
  // Of a database, from any thread.
  std::function<Result<SlotHealth>(const std::string&)> slot_health = [](const std::string&) {
    return SlotHealth{"slot", {}, 4096};
  };
  int connections = 0;  // open, of every kind
  int slots = 0;        // made so far

  // Another engine takes the replication over: from now on nothing of ours is kept. It has a slot of its own.
  void take_over(const std::string& database);
};

std::string slot_name(int slot);

// A database with tables of all sizes, keys, indexes that depend on each other, foreign keys, a trigger, a sequence and
// large objects: every kind of call happens in its copy.
SourceDatabase any_database();

// Counts itself among the open connections.
class Connected {
 public:
  explicit Connected(World& world);
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;
  ~Connected();

 private:
  World& world_;
};

}  // namespace tributary::pipeline::testing
