#include "engine/postgres/copy/large_objects.h"

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/roles/grants.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t chunk_size = 512 * 1024;

std::string name_of(std::uint32_t object) {
  return "LARGE OBJECT " + std::to_string(object);
}

Result<std::vector<Grant>> read_grants(Connection& source, const std::string& id, const Until& until) {
  const Rows rows = TRY(source.query(
      "SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee) END, a.privilege_type, "
      "bool_or(a.is_grantable) FROM pg_catalog.pg_largeobject_metadata l CROSS JOIN LATERAL "
      "pg_catalog.aclexplode(l.lomacl) a "
      "WHERE l.oid = $1::pg_catalog.oid GROUP BY 1, 2 ORDER BY 1, 2",
      {id}, until));
  std::vector<Grant> grants;
  for (int i = 0; i < rows.size(); ++i) grants.push_back({rows.str(i, 0), rows.str(i, 1), rows.boolean(i, 2)});
  return grants;
}

// Comment, grants and owner, in the order that database_statements.cpp explains.
Result<std::string> description(Connection& source, const TargetTraits& target, std::uint32_t object, const Rows& row,
                                RoleGaps& gaps, const Until& until) {
  std::string sql;
  if (!row.is_null(0, 1)) sql += "COMMENT ON " + name_of(object) + " IS " + quote_literal(row.text(0, 1)) + ";";
  const std::string owner = row.str(0, 0);
  const bool hands_over = owner != target.user && target.assumable.contains(owner);
  if (!hands_over && owner != target.user) ++gaps.owners[owner];
  const std::string alter = "ALTER " + name_of(object) + " OWNER TO " + quote_identifier(owner) + ";";
  if (hands_over && target.superuser) sql += alter;
  if (row.boolean(0, 2)) {
    const std::vector<Grant> grants = TRY(read_grants(source, std::to_string(object), until));
    const Owners owners{owner, hands_over && target.superuser ? owner : target.user};
    for (const std::string& grant : grant_statements(name_of(object), owners, grants, target.roles, gaps.grants))
      sql += grant + ";";
  }
  if (hands_over && !target.superuser) sql += alter;
  return sql;
}

Result<std::uint64_t> copy_contents(Connection& source, Connection& target, const std::string& id,
                                    const std::function<void()>& moved, const Until& until) {
  std::uint64_t offset = 0;
  for (;;) {
    const Rows chunk = TRY(source.query_row(
        "SELECT pg_catalog.encode(pg_catalog.lo_get($1::pg_catalog.oid, $2::bigint, $3::integer), 'hex')",
        {id, std::to_string(offset), std::to_string(chunk_size)}, until));
    const std::size_t size = chunk.text(0, 0).size() / 2;
    if (size > 0) {
      TRY(target.query("SELECT pg_catalog.lo_put($1::pg_catalog.oid, $2::bigint, pg_catalog.decode($3, 'hex'))",
                       {id, std::to_string(offset), chunk.str(0, 0)}, until));
    }
    offset += size;
    moved();
    if (size < chunk_size) return offset;
  }
}

Result<void> create(Connection& target, const std::string& id, const Until& until) {
  const Result<void> created = target.execute("SELECT pg_catalog.lo_create(" + id + ")", until);
  if (created || target.sqlstate() != "23505") return created;
  return Error{Fault::invalid, "the target has an object of this number already, which is not of this copy",
               "remove it there, or leave large objects out with --no-large-objects"};
}

Result<std::uint64_t> copy_one(Connection& source, Connection& target, const TargetTraits& traits, std::uint32_t object,
                               RoleGaps& gaps, const std::function<void()>& moved, const Until& until) {
  const std::string id = std::to_string(object);
  const Rows row = TRY(source.query_row(
      "SELECT pg_catalog.pg_get_userbyid(lomowner), pg_catalog.obj_description(oid, 'pg_largeobject'), "
      "lomacl IS NOT NULL FROM pg_catalog.pg_largeobject_metadata WHERE oid = $1::pg_catalog.oid",
      {id}, until));
  TRY(create(target, id, until));
  const std::uint64_t bytes = TRY(copy_contents(source, target, id, moved, until));
  const std::string described = TRY(description(source, traits, object, row, gaps, until));
  if (!described.empty()) TRY(target.execute(described, until));
  return bytes;
}

}  // namespace

Result<std::vector<model::Name>> tables_with_large_objects(Connection& source, std::span<const std::uint32_t> tables,
                                                           const Until& until) {
  std::vector<std::string> ids;
  for (const std::uint32_t id : tables) ids.push_back(std::to_string(id));
  const Rows rows = TRY(source.query(
      "WITH RECURSIVE reference AS (SELECT 'pg_catalog.oid'::pg_catalog.regtype::pg_catalog.oid AS id UNION"
      " SELECT t.oid FROM reference r JOIN pg_catalog.pg_type t ON (t.typtype = 'd' AND t.typbasetype = r.id)"
      " OR (t.typcategory = 'A' AND t.typelem = r.id))"
      " SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
      " WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND EXISTS (SELECT FROM pg_catalog.pg_attribute a"
      " WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN (SELECT id FROM reference))"
      " ORDER BY 1, 2",
      {array_literal(ids)}, until));
  return names_in(rows);
}

Result<std::vector<std::uint32_t>> list_large_objects(Connection& source, std::uint32_t after, std::size_t most,
                                                      const Until& until) {
  const Rows rows = TRY(source.query(
      "SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid > $1::oid ORDER BY oid LIMIT $2::bigint",
      {std::to_string(after), std::to_string(most)}, until));
  std::vector<std::uint32_t> objects;
  objects.reserve(static_cast<std::size_t>(rows.size()));
  for (int i = 0; i < rows.size(); ++i) objects.push_back(static_cast<std::uint32_t>(rows.integer(i, 0)));
  return objects;
}

Result<LargeObjectCount> copy_large_objects(Connection& source, Connection& target, const TargetTraits& traits,
                                            std::span<const std::uint32_t> objects, RoleGaps& gaps,
                                            const std::function<void()>& moved, const Until& until) {
  LargeObjectCount count;
  for (const std::uint32_t object : objects) {
    auto bytes = copy_one(source, target, traits, object, gaps, moved, until);
    if (!bytes) return within("large object " + std::to_string(object), bytes.error());
    count.bytes += *bytes;
    ++count.objects;
  }
  return count;
}

}  // namespace tributary::postgres
