#include "engine/postgres/ledger/belonging.h"

#include "engine/postgres/client/sql.h"
#include "engine/postgres/ledger/made.h"

namespace tributary::postgres {
namespace {

// A part was copied under the name of its own table, and may lie in another of the target.
constexpr const char* belonging = R"sql(
WITH there AS (SELECT t.* FROM _tributary.table_state t
  WHERE (t.schema_name, t.table_name) = ($2, $3) OR (t.route_schema, t.route_name) = ($2, $3))
SELECT EXISTS (SELECT FROM there t JOIN _tributary.part USING (replication, schema_name, table_name)
  WHERE t.replication = $1),
 (SELECT min(t.replication) FROM there t JOIN _tributary.stream s USING (replication)
  WHERE t.replication <> $1 AND NOT s.released))sql";

}  // namespace

Result<void> check_belongs(Connection& target, const Owner& owner, const model::Name& table, bool with_partitions,
                           const Until& until) {
  const Rows known = TRY(target.query_row(belonging, {owner.key, table.schema, table.name}, until));
  if (!known.is_null(0, 1))
    return Error{Fault::invalid, "the target's table " + model::display(table) + " is that of another replication, " +
                                     known.str(0, 1) +
                                     ", too; give it another name on the source, or leave it out of one of the two"};
  if (known.boolean(0, 0)) return {};
  const std::string name = (with_partitions ? "" : "ONLY ") + quote_name(table);
  TRY(target.execute("LOCK TABLE " + name + " IN SHARE ROW EXCLUSIVE MODE", until));
  if (!TRY(target.query_row("SELECT EXISTS (SELECT FROM " + name + ")", {}, until)).boolean(0, 0)) return {};
  const Made made = TRY(read_made(target, owner.key, until));
  if (made.relations.contains(table)) return {};
  return Error{
      Fault::invalid,
      "the target's table " + model::display(table) +
          " was there before and holds rows of somebody else; empty it, or move it away, then copy the table again"};
}

}  // namespace tributary::postgres
