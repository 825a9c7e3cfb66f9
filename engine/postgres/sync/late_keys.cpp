#include "engine/postgres/sync/late_keys.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/base/log.h"
#include "engine/postgres/catalog/lock_wait.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres::sync {
namespace {

// The stream stands still meanwhile.
constexpr Milliseconds longest{10'000};

constexpr std::string_view exists_already = "42710";
constexpr std::string_view statement_ended = "57014";
// A table that was copied again is newer than what it refers to, until the stream has come to it.
constexpr std::string_view lacks_row = "23503";
constexpr std::array<std::string_view, 2> passing{lock_not_available, lacks_row};

constexpr const char* keys_of_tables =
    "SELECT k.oid::text FROM unnest($1::text[], $2::text[]) AS g (schema_name, table_name)"
    " JOIN pg_namespace n ON n.nspname = g.schema_name"
    " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = g.table_name"
    " JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0";

// Where PostgreSQL allows it in all versions, rows that are there are looked through afterwards, under a weaker lock.
constexpr const char* statements_of_keys =
    "SELECT g.id, format('ALTER TABLE %I.%I ADD CONSTRAINT %I ', n.nspname, c.relname, k.conname)"
    "  || pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated AND c.relkind <> 'p' THEN ' NOT VALID' ELSE '' END,"
    "  CASE WHEN k.convalidated AND c.relkind <> 'p'"
    "    THEN format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', n.nspname, c.relname, k.conname) ELSE '' END"
    " FROM unnest($1::text[]) AS g (id)"
    " JOIN pg_constraint k ON k.oid = g.id::oid AND k.contype = 'f'"
    " JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace";

struct LateKey {
  std::string id;
  std::string add;
  std::string validate;  // may be empty
};

enum class Outcome { done, late, refused };

Result<Outcome> run(Connection& target, const std::string& statement, Milliseconds patience, const Until& until) {
  const Result<void> added = target.execute("BEGIN; SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = " +
                                                std::to_string(patience.count()) + "; " + statement + "; COMMIT",
                                            until);
  if (added) return Outcome::done;
  const std::string sqlstate = target.sqlstate();
  if (!target.usable()) return added.error();
  target.roll_back();
  if (sqlstate == exists_already) return Outcome::done;
  const bool is_late = std::find(passing.begin(), passing.end(), sqlstate) != passing.end();
  const char* const what = is_late                       ? "foreign key comes later to the target"
                           : sqlstate == statement_ended ? "foreign key takes long: run this on the target"
                                                         : "foreign key not created on the target";
  log::warn(what, {{"statement", statement}, {"error", added.error().what}});
  return is_late ? Outcome::late : Outcome::refused;
}

// False where that is to be tried again.
Result<bool> add_key(Connection& target, const LateKey& key, Milliseconds patience, const Until& until) {
  const Outcome added = TRY(run(target, key.add, longest, until));
  if (added != Outcome::done || key.validate.empty()) return added != Outcome::late;
  return TRY(run(target, key.validate, std::min(longest, patience), until)) != Outcome::late;
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

Result<void> add_late_keys(SourceSide& source, Claimed& claimed, Milliseconds patience, const Until& until) {
  Connection& target = claimed.control;
  const KeyIds late = first_column(
      TRY(target.query("SELECT id::text FROM _tributary.late_key WHERE replication = $1", {claimed.owner.key}, until)));
  if (late.empty()) return {};
  const Rows statements = TRY(source.session.query(statements_of_keys, {array_literal(late)}, until));
  KeyIds still;
  for (int row = 0; row < statements.size(); ++row) {
    const LateKey key{statements.str(row, 0), statements.str(row, 1), statements.str(row, 2)};
    if (!TRY(add_key(target, key, patience, until))) still.push_back(key.id);
  }
  if (still.size() == late.size()) return {};
  return in_transaction(target, claimed.owner, until, [&]() -> Result<void> {
    TRY(target.query("DELETE FROM _tributary.late_key WHERE replication = $1 AND id <> ALL ($2::oid[])",
                     {claimed.owner.key, array_literal(still)}, until));
    return {};
  });
}

}  // namespace tributary::postgres::sync
