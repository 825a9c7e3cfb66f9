#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// What the source's catalog knows about the entries of a dump and the dump itself does not say: joined to them by
// catalog and OID, so nothing has to be read out of a name or a statement.
namespace tributary::postgres {

struct Relation {
  model::Name name;
  char kind = 0;            // pg_class.relkind
  std::uint64_t pages = 0;  // of the heap, as last measured by the source
};

// A foreign key. Those of partitions that were made or attached together with their parent's name it in `parent`.
struct ForeignKey {
  std::uint32_t id = 0;
  std::uint32_t parent = 0;  // 0: stands for itself
  std::string name;
  std::uint32_t table = 0;
  std::uint32_t referenced = 0;
  bool valid = true;
  bool enforced = true;    // false only from 18 on
  bool temporal = false;   // with PERIOD, from 18 on
  std::string definition;  // "FOREIGN KEY (...) REFERENCES ..." without "NOT VALID"
  // Pieces of the query for rows without a parent, with the child as c and the parent as p.
  std::string all_set;   // no column is NULL
  std::string all_null;  // all columns are NULL
  std::string match;     // the parent is this one
  bool match_full = false;
};

// An index that belongs to a primary key or unique constraint, spelt so that it can be built beside others.
struct KeyIndex {
  std::string name;        // of the constraint
  std::string definition;  // CREATE UNIQUE INDEX ...
  std::string constraint;  // PRIMARY KEY USING INDEX ..., UNIQUE USING INDEX ... DEFERRABLE ...
  int indexes_of_table = 0;
};

// An exclusion constraint or temporal key of a partitioned table, or of a partition that has it from there.
struct PartitionedExclusion {
  std::uint32_t parent = 0;  // the constraint it came from, 0 for that of the topmost table
  std::string name;
  std::string definition;
};

// What a CREATE INDEX CONCURRENTLY leaves that failed. No dump holds it.
struct InvalidIndex {
  model::Name name;
  model::Name table;
};

struct OwnedSequence {
  std::uint32_t table = 0;
  bool identity = false;
};

using ObjectId = std::pair<std::uint32_t, std::uint32_t>;  // catalog, OID

struct SchemaFacts {
  std::map<std::uint32_t, Relation> relations;
  std::map<ObjectId, std::uint32_t> table_of;  // of indexes, constraints, defaults, triggers, rules, policies
  std::map<std::uint32_t, OwnedSequence> owned_sequences;
  std::map<std::uint32_t, ForeignKey> foreign_keys;
  std::map<std::uint32_t, KeyIndex> key_indexes;  // by the constraint's OID; ordinary tables only
  std::map<std::uint32_t, PartitionedExclusion> partitioned_exclusions;
  std::map<std::string, std::string> extensions;  // name -> version
  std::vector<std::string> subscriptions;
  std::vector<InvalidIndex> invalid_indexes;
  bool has_lz4_columns = false;
  std::set<std::string> roles;
};

// OIDs of the catalogs that entries name, the same on every server (src/include/catalog).
namespace catalog_oid {
inline constexpr std::uint32_t relation = 1259;
inline constexpr std::uint32_t constraint = 2606;
inline constexpr std::uint32_t default_value = 2604;
}  // namespace catalog_oid

// `source` is in a transaction that uses the snapshot of the dump.
Result<SchemaFacts> read_schema_facts(Connection& source, const Until& until);

}  // namespace tributary::postgres
