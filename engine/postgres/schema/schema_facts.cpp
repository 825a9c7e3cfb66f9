#include "engine/postgres/schema/schema_facts.h"

namespace tributary::postgres {
namespace {

const char* const user_relations =
    "SELECT c.oid, n.nspname, c.relname, c.relkind, greatest(c.relpages, 0) "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema', "
    "'_tributary') "
    "AND n.nspname !~ '^pg_(toast|temp)'";

const char* const belongings =
    "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, indexrelid, indrelid FROM pg_catalog.pg_index "
    "UNION ALL SELECT tableoid, oid, conrelid FROM pg_catalog.pg_constraint WHERE conrelid <> 0 "
    "UNION ALL SELECT tableoid, oid, adrelid FROM pg_catalog.pg_attrdef "
    "UNION ALL SELECT tableoid, oid, tgrelid FROM pg_catalog.pg_trigger "
    "UNION ALL SELECT tableoid, oid, ev_class FROM pg_catalog.pg_rewrite "
    "UNION ALL SELECT tableoid, oid, polrelid FROM pg_catalog.pg_policy";

const char* const sequences =
    "SELECT d.objid, d.refobjid, d.deptype = 'i' FROM pg_catalog.pg_depend d "
    "JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
    "WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
    "AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')";

// Equality is that of the constraint itself (conpfeqop), and a collation is given where both sides differ in it, as
// the server's own check does (src/backend/utils/adt/ri_triggers.c).
std::string foreign_keys(int major) {
  const std::string enforced = major >= 18 ? "con.conenforced" : "true";
  const std::string temporal = major >= 18 ? "con.conperiod" : "false";
  return "SELECT con.oid, con.conparentid, con.conname, con.conrelid, con.confrelid, con.convalidated, " + enforced +
         ", " + temporal +
         ", pg_catalog.pg_get_constraintdef(con.oid), con.confmatchtype = 'f', k.all_set, k.all_null, k.match "
         "FROM pg_catalog.pg_constraint con CROSS JOIN LATERAL (SELECT "
         "string_agg(format('c.%I IS NOT NULL', ca.attname), ' AND ' ORDER BY k.n) AS all_set, "
         "string_agg(format('c.%I IS NULL', ca.attname), ' AND ' ORDER BY k.n) AS all_null, "
         "string_agg(format('p.%I OPERATOR(%I.%s) c.%I', pa.attname, opn.nspname, op.oprname, ca.attname) || "
         "CASE WHEN ca.attcollation <> pa.attcollation AND ca.attcollation <> 0 AND pa.attcollation <> 0 "
         "THEN format(' COLLATE %I.%I', coln.nspname, col.collname) ELSE '' END, ' AND ' ORDER BY k.n) AS match "
         "FROM unnest(con.conkey, con.confkey, con.conpfeqop) WITH ORDINALITY AS k (child, parent, eq, n) "
         "JOIN pg_catalog.pg_attribute ca ON ca.attrelid = con.conrelid AND ca.attnum = k.child "
         "JOIN pg_catalog.pg_attribute pa ON pa.attrelid = con.confrelid AND pa.attnum = k.parent "
         "JOIN pg_catalog.pg_operator op ON op.oid = k.eq "
         "JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace "
         "LEFT JOIN pg_catalog.pg_collation col ON col.oid = pa.attcollation "
         "LEFT JOIN pg_catalog.pg_namespace coln ON coln.oid = col.collnamespace) k "
         "WHERE con.contype = 'f' ORDER BY con.oid";
}

// Exclusion constraints, and from 18 on temporal keys, of partitioned tables and below them.
const char* const partitioned_exclusions =
    "SELECT con.oid, con.conparentid, con.conname, pg_catalog.pg_get_constraintdef(con.oid) "
    "FROM pg_catalog.pg_constraint con JOIN pg_catalog.pg_index i ON i.indexrelid = con.conindid AND i.indisexclusion "
    "JOIN pg_catalog.pg_class t ON t.oid = con.conrelid "
    "WHERE con.contype IN ('x', 'p', 'u') AND (t.relkind = 'p' OR con.conparentid <> 0)";

// Only what CREATE UNIQUE INDEX can build and ADD CONSTRAINT ... USING INDEX can take over: ordinary tables, btree.
std::string key_indexes(int major) {
  const std::string not_temporal = major >= 18 ? " AND NOT con.conperiod" : "";
  return "SELECT con.oid, con.conname, pg_catalog.pg_get_indexdef(con.conindid), "
         "CASE con.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END || format(' USING INDEX %I', i.relname) || "
         "CASE WHEN con.condeferrable THEN ' DEFERRABLE' ELSE '' END || "
         "CASE WHEN con.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END, "
         "(SELECT count(*) FROM pg_catalog.pg_index x WHERE x.indrelid = con.conrelid) "
         "FROM pg_catalog.pg_constraint con JOIN pg_catalog.pg_class i ON i.oid = con.conindid "
         "JOIN pg_catalog.pg_class t ON t.oid = con.conrelid AND t.relkind = 'r' "
         "WHERE con.contype IN ('p', 'u')" +
         not_temporal;
}

std::uint32_t oid(const Rows& rows, int row, int column) {
  return static_cast<std::uint32_t>(rows.integer(row, column));
}

// pg_get_constraintdef may say it or not, whatever the snapshot says: a validation that ran meanwhile changes it.
std::string without_not_valid(std::string definition) {
  static const std::string words = " NOT VALID";
  if (definition.ends_with(words)) definition.resize(definition.size() - words.size());
  return definition;
}

Result<void> read_relations(Connection& source, SchemaFacts& facts, const Until& until) {
  const Rows relations = TRY(source.query(user_relations, until));
  for (int i = 0; i < relations.size(); ++i) {
    facts.relations[oid(relations, i, 0)] = {{relations.str(i, 1), relations.str(i, 2)},
                                             relations.text(i, 3)[0],
                                             static_cast<std::uint64_t>(relations.integer(i, 4))};
  }
  const Rows owned = TRY(source.query(belongings, until));
  for (int i = 0; i < owned.size(); ++i) facts.table_of[{oid(owned, i, 0), oid(owned, i, 1)}] = oid(owned, i, 2);
  const Rows owners = TRY(source.query(sequences, until));
  for (int i = 0; i < owners.size(); ++i) {
    facts.owned_sequences[oid(owners, i, 0)] = {oid(owners, i, 1), owners.boolean(i, 2)};
  }
  return {};
}

Result<void> read_keys(Connection& source, SchemaFacts& facts, const Until& until) {
  const Rows keys = TRY(source.query(foreign_keys(source.major_version()), until));
  for (int i = 0; i < keys.size(); ++i) {
    ForeignKey key;
    key.id = oid(keys, i, 0);
    key.parent = oid(keys, i, 1);
    key.name = keys.str(i, 2);
    key.table = oid(keys, i, 3);
    key.referenced = oid(keys, i, 4);
    key.valid = keys.boolean(i, 5);
    key.enforced = keys.boolean(i, 6);
    key.temporal = keys.boolean(i, 7);
    key.definition = without_not_valid(keys.str(i, 8));
    key.match_full = keys.boolean(i, 9);
    key.all_set = keys.str(i, 10);
    key.all_null = keys.str(i, 11);
    key.match = keys.str(i, 12);
    facts.foreign_keys[key.id] = std::move(key);
  }
  const Rows exclusions = TRY(source.query(partitioned_exclusions, until));
  for (int i = 0; i < exclusions.size(); ++i) {
    facts.partitioned_exclusions[oid(exclusions, i, 0)] = {oid(exclusions, i, 1), exclusions.str(i, 2),
                                                           exclusions.str(i, 3)};
  }
  const Rows indexes = TRY(source.query(key_indexes(source.major_version()), until));
  for (int i = 0; i < indexes.size(); ++i) {
    facts.key_indexes[oid(indexes, i, 0)] = {indexes.str(i, 1), indexes.str(i, 2), indexes.str(i, 3),
                                             static_cast<int>(indexes.integer(i, 4))};
  }
  return {};
}

const char* const invalid_indexes =
    "SELECT n.nspname, c.relname, tn.nspname, t.relname FROM pg_catalog.pg_index i "
    "JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace "
    "WHERE NOT (i.indisvalid AND i.indisready) AND tn.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2";

Result<void> read_names(Connection& source, SchemaFacts& facts, const Until& until) {
  const Rows extensions = TRY(source.query("SELECT extname, extversion FROM pg_catalog.pg_extension", until));
  for (int i = 0; i < extensions.size(); ++i) facts.extensions[extensions.str(i, 0)] = extensions.str(i, 1);
  const Rows subscriptions = TRY(
      source.query("SELECT subname FROM pg_catalog.pg_subscription WHERE subdbid = "
                   "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) ORDER BY 1",
                   until));
  for (int i = 0; i < subscriptions.size(); ++i) facts.subscriptions.push_back(subscriptions.str(i, 0));
  const Rows invalid = TRY(source.query(invalid_indexes, until));
  for (int i = 0; i < invalid.size(); ++i) {
    facts.invalid_indexes.push_back({{invalid.str(i, 0), invalid.str(i, 1)}, {invalid.str(i, 2), invalid.str(i, 3)}});
  }
  if (source.major_version() >= 14) {
    const Rows lz4 = TRY(source.query_row(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attcompression = 'l' AND NOT attisdropped)", {},
        until));
    facts.has_lz4_columns = lz4.boolean(0, 0);
  }
  const Rows roles = TRY(source.query("SELECT rolname FROM pg_catalog.pg_roles", until));
  for (int i = 0; i < roles.size(); ++i) facts.roles.insert(roles.str(i, 0));
  return {};
}

Result<void> read_all(Connection& source, SchemaFacts& facts, const Until& until) {
  TRY(read_relations(source, facts, until));
  TRY(read_keys(source, facts, until));
  return read_names(source, facts, until);
}

}  // namespace

Result<SchemaFacts> read_schema_facts(Connection& source, const Until& until) {
  // Definitions that the server spells must name schemas in full and hold for servers that know more keywords.
  TRY(source.execute("SET LOCAL search_path = pg_catalog; SET LOCAL quote_all_identifiers = on", until));
  SchemaFacts facts;
  TRY(read_all(source, facts, until));
  TRY(source.execute("SET LOCAL quote_all_identifiers = off", until));
  return facts;
}

}  // namespace tributary::postgres
