#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/name.h"

// The schema as an ordered list of statements, made by a Source (for PostgreSQL from pg_dump's sections) and carried
// out by a Target. The list is data: it says when a step may run, never how it is run.
namespace tributary::pipeline {

// When a step runs.
enum class Stage {
  before_data,  // in order, one after another, before the first row
  with_table,   // as soon as its table holds all its rows and the steps in `after` are done; in parallel
  foreign_key,  // after every table of the database is complete and the steps in `after` are done; in parallel
  after_data,   // in order, at the very end: triggers, rules, policies, materialized views, event triggers
};

inline constexpr std::size_t no_step = static_cast<std::size_t>(-1);

struct SchemaStep {
  Stage stage = Stage::before_data;
  std::string kind;    // as pg_dump's table of contents says it: "TABLE", "INDEX", "FK CONSTRAINT"
  std::string object;  // for people: "index public.orders_pkey"
  std::optional<model::Name>
      table;  // with_table: the table whose rows it waits for; nothing: it waits for none. foreign_key: its own table
  std::vector<std::size_t> after;  // with_table, foreign_key: indexes of earlier steps that must be done first
  std::string sql;                 // one or more statements; may hold a secret (user mappings): never logged
  // Takes back exactly what `sql` made (DROP ... IF EXISTS, never CASCADE); "" where that goes with another object, or
  // must stay (an extension that was there before). Carried out in reverse order.
  std::string undo = {};
  std::string undo_query = {};  // in place of `undo`: asked before `sql`, its one value puts back what `sql` overwrites
  std::string validate;         // foreign_key: validates what `sql` added as NOT VALID; may be empty
  std::string orphans;  // foreign_key: a query of one row and one column: how many rows lack a parent; "": unknown
  // The step that makes what this one only changes (owner, grants, comment, default ...): left out where that was on
  // the target before and is not ours. `no_step`: it was there before in any case.
  std::optional<std::size_t> changes = {};
  bool optional = false;   // a failure is reported as a finding and does not fail the snapshot
  bool may_exist = false;  // "already exists" (SQLSTATE class 42, duplicate ...) counts as done
};

struct Schema {
  // What each session that carries out steps must set first, each a SET without the word.
  std::vector<std::string> settings;
  std::vector<SchemaStep> steps;
};

}  // namespace tributary::pipeline
