#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/model/name.h"

// Which databases and tables to replicate: the grammar of a selection's entries and their matching. Pure.
//
//   database entry   part
//   table entry      part "." part             database, table of schema public
//                  | part "." part "." part    database, schema, table
//   part             plain | quoted
//   plain            one or more characters, none of them " or, in a table entry, "."; "*" is any run of characters
//   quoted           '"' characters '"', where "" stands for one "; no character is special
//
// Names are compared as the catalog spells them: no case is folded. A table entry that names a partitioned table
// means all its partitions.
namespace tributary::pipeline {

// One entry as parsed; `text` is what the user wrote.
class NamePattern {
 public:
  enum class Kind { database, table };
  static Result<NamePattern> parse(std::string_view text, Kind kind);

  bool matches_database(std::string_view database) const;
  bool matches(std::string_view database, const model::Name& table) const;
  // The database part has no wildcard and is this name.
  bool names_database(std::string_view database) const;
  bool has_wildcard() const;
  const std::string& text() const { return text_; }

 private:
  struct Part {
    std::string text;
    bool quoted = false;
    bool wild() const;
    bool matches(std::string_view name) const;
  };
  static Result<Part> parse_part(std::string_view& rest, std::string_view whole, Kind kind);

  std::string text_;
  std::vector<Part> parts_;  // database; or database, schema, table
};

// A table of a source together with the partitioned tables it is a partition of, nearest first.
struct Candidate {
  model::Name name;
  std::vector<model::Name> partition_of;
};

// What one database of the source holds, selected or not.
struct DatabaseTables {
  std::string database;
  std::vector<Candidate> tables;
};

// An entry that selects nothing, with the most similar names that exist.
struct Unmatched {
  std::string list;   // "includeDatabases", "excludeDatabases", "includeTables", "excludeTables"
  std::string entry;  // as the user wrote it
  std::vector<std::string> near;
  std::string why = "matches nothing on the source";
};

class Selection {
 public:
  // Fault::invalid for an entry that the grammar does not know and for include and exclude at the same level.
  static Result<Selection> parse(const api::Selection& selection);

  // The default: nothing chooses databases but the source URI.
  bool own_database_only() const;
  // True when databases are chosen by name or pattern, so that each keeps its name on the target. False when only
  // `own`, the database the source URI connects to, can be selected.
  bool names_databases(std::string_view own) const;
  // The name of a selected database on the target: its own where databases are chosen by name or pattern, else the one
  // that the target endpoint names (`given`, may be empty).
  std::string target_of(const std::string& database, std::string_view own, const std::string& given) const;
  // True when every table of a selected database is selected: no entry chooses among them. What is dropped for a copy,
  // and what the ledger calls it, hangs on this one word.
  bool all_tables_of(std::string_view database) const;
  // The entries that choose among the tables of a selected database, as "+a.b" or "-a.b" and in one order however the
  // user wrote them; none where all_tables_of().
  std::vector<std::string> table_entries_of(std::string_view database) const;

  // With include lists: what they name (a database needs an entry in each list that is not empty). With only excluded
  // databases: all but these. Otherwise `own`. The provider's own databases are never selected by a wildcard, neither
  // is `postgres` unless it is `own`.
  bool selects_database(std::string_view database, std::string_view own) const;
  // Whether an entry includes this very database or tables of it by name, without a wildcard in the database's.
  bool names_database(std::string_view database) const;
  // Whether a table of a selected database is selected: by itself or by a partitioned table it belongs to.
  bool selects_table(std::string_view database, const model::Name& table,
                     std::span<const model::Name> partition_of = {}) const;

  // The selected of `available`, in their order. Templates must not be among `available`.
  std::vector<std::string> databases(const std::vector<std::string>& available, std::string_view own) const;

  // Entries that name nothing. `databases` are all of the source, `tables` what the selected ones hold. An excluded
  // pattern with a wildcard may match nothing; any other entry that does is a mistake.
  std::vector<Unmatched> unmatched(const std::vector<std::string>& databases, std::string_view own,
                                   const std::vector<DatabaseTables>& tables) const;

 private:
  std::vector<NamePattern> include_databases_;
  std::vector<NamePattern> exclude_databases_;
  std::vector<NamePattern> include_tables_;
  std::vector<NamePattern> exclude_tables_;
};

// Of a provider, not of a user: rdsadmin, cloudsqladmin, alloydbadmin, azure_maintenance, azure_sys.
bool is_provider_database(std::string_view database);

// Fault::invalid naming the entry and what looks like it.
Error describe(const Unmatched& unmatched);

}  // namespace tributary::pipeline
