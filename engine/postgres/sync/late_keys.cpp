#include "engine/postgres/sync/late_keys.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/base/log.h"
#include "engine/postgres/array_literal.h"
#include "engine/postgres/lock_wait.h"
#include "engine/postgres/name_arrays.h"

namespace tributary::postgres::sync {
namespace {

constexpr std::string_view exists_already = "42710";
constexpr std::string_view statement_ended = "57014";
// A table that was copied again is newer than what it refers to, until the stream has come to it.
constexpr std::string_view lacks_row = "23503";
constexpr std::array<std::string_view, 3> passing{lock_not_available, statement_ended, lacks_row};

constexpr const char* keys_of_tables =
    "SELECT k.oid::text FROM unnest($1::text[], $2::text[]) AS g (schema_name, table_name)"
    " JOIN pg_namespace n ON n.nspname = g.schema_name"
    " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = g.table_name"
    " JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0";

constexpr const char* statements_of_keys =
    "SELECT g.id, format('ALTER TABLE %I.%I ADD CONSTRAINT %I ', n.nspname, c.relname, k.conname)"
    "  || pg_get_constraintdef(k.oid) FROM unnest($1::text[]) AS g (id)"
    " JOIN pg_constraint k ON k.oid = g.id::oid AND k.contype = 'f'"
    " JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace";

// False where that is to be tried again. A table that has got rows since is looked through.
Result<bool> add_key(Connection& target, const std::string& statement, const Until& until) {
  const Result<void> added = target.execute(
      "BEGIN; SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '10s'; " + statement + "; COMMIT", until);
  if (added) return true;
  const std::string sqlstate = target.sqlstate();
  if (!target.usable()) return added.error();
  target.roll_back();
  const bool is_late = std::find(passing.begin(), passing.end(), sqlstate) != passing.end();
  if (sqlstate != exists_already)
    log::warn(is_late ? "foreign key comes later to the target" : "foreign key not created on the target",
              {{"statement", statement}, {"error", added.error().what}});
  return !is_late;
}

}  // namespace

Result<KeyIds> read_keys(Connection& source, const std::set<model::Name>& tables, const Until& until) {
  const NameArrays names(tables);
  return first_column(TRY(source.query(keys_of_tables, {names.schemas(), names.names()}, until)));
}

Result<void> record_late_keys(Claimed& claimed, const KeyIds& keys, const Until& until) {
  if (keys.empty()) return {};
  return in_transaction(claimed.control, claimed.owner, until, [&]() -> Result<void> {
    TRY(
        claimed.control.query("INSERT INTO _tributary.late_key (replication, id)"
                              " SELECT $1, g.id::oid FROM unnest($2::text[]) AS g (id) ON CONFLICT DO NOTHING",
                              {claimed.owner.key, array_literal(keys)}, until));
    return {};
  });
}

Result<void> add_late_keys(SourceSide& source, Claimed& claimed, const Until& until) {
  Connection& target = claimed.control;
  const KeyIds late = first_column(
      TRY(target.query("SELECT id::text FROM _tributary.late_key WHERE replication = $1", {claimed.owner.key}, until)));
  if (late.empty()) return {};
  const Rows statements = TRY(source.session.query(statements_of_keys, {array_literal(late)}, until));
  KeyIds still;
  for (int row = 0; row < statements.size(); ++row)
    if (!TRY(add_key(target, statements.str(row, 1), until))) still.push_back(statements.str(row, 0));
  if (still.size() == late.size()) return {};
  return in_transaction(target, claimed.owner, until, [&]() -> Result<void> {
    TRY(target.query("DELETE FROM _tributary.late_key WHERE replication = $1 AND id <> ALL ($2::oid[])",
                     {claimed.owner.key, array_literal(still)}, until));
    return {};
  });
}

}  // namespace tributary::postgres::sync
