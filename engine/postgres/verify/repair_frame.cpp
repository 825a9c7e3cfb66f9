#include "engine/postgres/verify/repair_frame.h"

#include <vector>

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/sql.h"

namespace tributary::postgres::verify {
namespace {

constexpr const char* settings = R"sql(
SET standard_conforming_strings = on;
SET search_path = pg_catalog;
SET row_security = off;
SET DateStyle = ISO;
SET IntervalStyle = postgres;
SET TimeZone = 'UTC';
SET extra_float_digits = 3;
SET bytea_output = hex;
SET lc_monetary = 'C';
SET array_nulls = on;
SET xmloption = content;
SET transform_null_equals = off;
SET default_transaction_read_only = off;
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
DO $$ BEGIN
  PERFORM set_config(name, '0', false) FROM pg_settings WHERE name IN ('transaction_timeout', 'idle_session_timeout');
END $$;
)sql";

constexpr const char* only_named_rows = R"sql(
-- No trigger, rule or foreign key may act on rows that are not named below. That takes session_replication_role, which
-- superusers may set, and from PostgreSQL 15 on whoever was granted SET ON PARAMETER session_replication_role. Any other
-- role goes on only where nothing would act; constraints hold for it at once, so that rows may be in each other's way.
DO $$
DECLARE
  mended regclass[] := current_setting('tributary.mended')::regclass[];
  fires text := 'O';
  acting text;
BEGIN
  BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    fires := 'R';
  EXCEPTION WHEN insufficient_privilege THEN NULL;
  END;
  WITH part AS (
    SELECT m.id::oid AS id FROM unnest(mended) AS m(id)
    UNION SELECT tree.relid::oid FROM unnest(mended) AS m(id), pg_partition_tree(m.id) AS tree)
  SELECT string_agg(found.what, ', ' ORDER BY found.what) INTO acting FROM (
    SELECT format('trigger %I of %s', t.tgname, t.tgrelid::regclass) AS what
    FROM pg_trigger t JOIN part ON part.id = t.tgrelid
    WHERE NOT t.tgisinternal AND t.tgtype & 28 <> 0 AND t.tgenabled::text IN ('A', fires)
    UNION ALL SELECT format('rule %I of %s', r.rulename, r.ev_class::regclass)
    FROM pg_rewrite r JOIN part ON part.id = r.ev_class
    WHERE r.ev_type <> '1' AND r.ev_enabled::text IN ('A', fires)
    UNION ALL SELECT format('foreign key %I of %s', c.conname, c.conrelid::regclass)
    FROM pg_constraint c JOIN part ON part.id = c.confrelid
    WHERE fires = 'O' AND c.contype = 'f' AND c.confdeltype::text || c.confupdtype::text ~ '[cnd]') AS found;
  IF acting IS NULL THEN RETURN; END IF;
  IF fires = 'R' THEN
    RAISE EXCEPTION 'nothing was mended: % would act on what the statements do', acting
      USING HINT = 'These act even under session_replication_role = replica: disable them until the script has run.';
  END IF;
  RAISE EXCEPTION 'nothing was mended: role % may not set session_replication_role, and % would act on what the statements do',
    current_user, acting USING HINT =
    'Run the script as a superuser, or as a role with GRANT SET ON PARAMETER session_replication_role (PostgreSQL 15).';
END $$;
)sql";

constexpr const char* nothing_broken = R"sql(
-- Under session_replication_role = replica foreign keys and deferrable constraints are not enforced: those of the tables
-- above are looked at now, as a whole, and nothing is changed where one would not hold.
DO $$
DECLARE
  mended regclass[] := current_setting('tributary.mended')::regclass[];
  one record;
  is_broken boolean;
BEGIN
  IF current_setting('session_replication_role') <> 'replica' THEN RETURN; END IF;
  FOR one IN
    WITH RECURSIVE part AS (
      SELECT m.id::oid AS id FROM unnest(mended) AS m(id)
      UNION SELECT tree.relid::oid FROM unnest(mended) AS m(id), pg_partition_tree(m.id) AS tree),
    touched AS (
      SELECT c.oid, c.conparentid FROM pg_constraint c JOIN part ON part.id IN (c.conrelid, c.confrelid) WHERE c.contype = 'f'
      UNION SELECT c.oid, c.conparentid FROM touched t JOIN pg_constraint c ON c.oid = t.conparentid),
    foreign_key AS (
      SELECT c.*, coalesce((to_jsonb(c) ->> 'conperiod')::boolean, false) AS has_period FROM pg_constraint c
      JOIN touched t ON t.oid = c.oid WHERE c.conparentid = 0 AND c.convalidated),
    columns AS (
      SELECT c.oid, string_agg(format('c.%I IS NOT NULL', ca.attname), ' AND ') AS given,
        string_agg(CASE WHEN c.has_period AND k.place = cardinality(c.conkey) THEN format('p.%I && c.%I', pa.attname, ca.attname)
          ELSE format('p.%I OPERATOR(%I.%s) c.%I', pa.attname, n.nspname, o.oprname, ca.attname) END ||
          CASE WHEN pa.attcollation = 0 THEN '' ELSE format(' COLLATE %I.%I', ln.nspname, l.collname) END, ' AND ') AS equal,
        max(CASE WHEN c.has_period AND k.place = cardinality(c.conkey)
          THEN format('coalesce((SELECT range_agg(p.%I) @> c.%I', pa.attname, ca.attname) END) AS covered
      FROM foreign_key c
      CROSS JOIN unnest(c.conkey, c.confkey, c.conpfeqop) WITH ORDINALITY AS k(child, parent, operator, place)
      JOIN pg_attribute ca ON ca.attrelid = c.conrelid AND ca.attnum = k.child
      JOIN pg_attribute pa ON pa.attrelid = c.confrelid AND pa.attnum = k.parent
      JOIN pg_operator o ON o.oid = k.operator JOIN pg_namespace n ON n.oid = o.oprnamespace
      LEFT JOIN pg_collation l ON l.oid = pa.attcollation LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
      GROUP BY c.oid),
    indexed AS (
      SELECT c.conname, c.conrelid, i.indexrelid, c.conexclop, coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_are_one,
        coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') AS restricted, i.indnkeyatts
      FROM pg_constraint c JOIN part ON part.id = c.conrelid JOIN pg_index i ON i.indexrelid = c.conindid
      JOIN pg_class r ON r.oid = c.conrelid AND r.relkind = 'r'
      WHERE c.condeferrable AND c.contype IN ('p', 'u', 'x')),
    terms AS (
      SELECT i.indexrelid, string_agg(e.term, ', ' ORDER BY place) AS listed,
        string_agg(format('%s IS NOT NULL', e.term), ' AND ') AS given,
        string_agg(format('%s AS k%s', e.term, place), ', ') AS named,
        string_agg(CASE WHEN o.oid > 0
          THEN format('a.k%s OPERATOR(%I.%s) b.k%s', place, n.nspname, o.oprname, place) END, ' AND ') AS conflict
      FROM indexed i CROSS JOIN generate_series(1, i.indnkeyatts) AS place
      CROSS JOIN LATERAL (SELECT '(' || pg_get_indexdef(i.indexrelid, place, false) || ')' AS term) AS e
      LEFT JOIN pg_operator o ON o.oid = i.conexclop[place] LEFT JOIN pg_namespace n ON n.oid = o.oprnamespace
      GROUP BY i.indexrelid)
    SELECT c.conname, c.conrelid::regclass AS owner,
      format('SELECT EXISTS (SELECT FROM %s %s AS c WHERE %s AND NOT %s FROM %s %s AS p WHERE %s)%s)',
        CASE child.relkind WHEN 'p' THEN '' ELSE 'ONLY' END, c.conrelid::regclass, k.given,
        coalesce(k.covered, 'EXISTS (SELECT'),
        CASE parent.relkind WHEN 'p' THEN '' ELSE 'ONLY' END, c.confrelid::regclass, k.equal,
        CASE WHEN k.covered IS NULL THEN '' ELSE ', false)' END) AS question
    FROM foreign_key c JOIN columns k ON k.oid = c.oid
    JOIN pg_class child ON child.oid = c.conrelid JOIN pg_class parent ON parent.oid = c.confrelid
    UNION ALL SELECT i.conname, i.conrelid::regclass, CASE WHEN i.conexclop IS NULL
      THEN format('SELECT EXISTS (SELECT FROM ONLY %s%s GROUP BY %s HAVING count(*) > 1)', i.conrelid::regclass,
        CASE WHEN i.nulls_are_one THEN '' ELSE ' WHERE ' || t.given END, t.listed)
      ELSE format('WITH k AS NOT MATERIALIZED (SELECT ctid AS place, %s FROM ONLY %s%s)'
        ' SELECT EXISTS (SELECT FROM k AS a JOIN k AS b ON a.place <> b.place AND %s)',
        t.named, i.conrelid::regclass, i.restricted, t.conflict) END
    FROM indexed i JOIN terms t ON t.indexrelid = i.indexrelid
  LOOP
    EXECUTE one.question INTO is_broken;
    CONTINUE WHEN NOT is_broken;
    RAISE EXCEPTION 'nothing was mended: constraint % of % would not hold', quote_ident(one.conname), one.owner
      USING HINT = 'Rows have changed since, or tables differ that were not compared: compare all that the constraint speaks of anew.';
  END LOOP;
END $$;
COMMIT;
)sql";

}  // namespace

std::string repair_settings(const std::string& encoding) {
  return "SET client_encoding = " + quote_literal(encoding) + ";" + settings;
}

std::string begin_repair(const std::set<std::string>& tables) {
  return "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;\nSET LOCAL tributary.mended = " +
         quote_literal(array_literal({tables.begin(), tables.end()})) + ";\nSET CONSTRAINTS ALL DEFERRED;\n" +
         only_named_rows;
}

std::string end_repair() {
  return nothing_broken;
}

}  // namespace tributary::postgres::verify
