#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/structure/testing/compared.h"
#include "engine/postgres/testing/fidelity.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/postgres_server.h"

// A database as `tributary init` has just copied it differs in nothing, whatever the majors.
namespace tributary::postgres::structure {
namespace {

using testbed::Database;
using testbed::done;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::IsEmpty;

// What servers of different majors spell in different ways, or might.
constexpr const char* expressions = R"sql(
CREATE SCHEMA app;
CREATE TABLE app.t (id integer PRIMARY KEY, n integer, t text, at timestamptz DEFAULT now(), d date, a integer[], j jsonb,
  x xml, i interval, "Mixed ""x""" text, app text, big numeric(12, 3) DEFAULT 1.5);
CREATE TABLE app.u (id integer PRIMARY KEY, t_id integer REFERENCES app.t, name varchar(20) COLLATE "C", u text);
CREATE FUNCTION app.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.lower($1)';
CREATE VIEW app.v_plain AS SELECT id, n, t, "Mixed ""x""", app FROM app.t;
CREATE VIEW app.v_star AS SELECT * FROM app.t;
CREATE VIEW app.v_alias AS SELECT z.id, z.n AS z FROM app.t z WHERE z.n > 3 ORDER BY z.n DESC NULLS LAST LIMIT 10 OFFSET 2;
CREATE VIEW app.u_named_as_its_table AS SELECT u, u.u AS u2 FROM app.u;
CREATE VIEW app.v_join AS SELECT t.id, u.name FROM app.t JOIN app.u ON u.t_id = t.id LEFT JOIN app.u w ON w.id = t.n;
CREATE VIEW app.v_using AS SELECT id, t.n, u.name FROM app.t FULL JOIN app.u USING (id);
CREATE VIEW app.v_natural AS SELECT * FROM app.t NATURAL JOIN (SELECT id, name FROM app.u) s;
CREATE VIEW app.v_cross AS SELECT a.id, b.id AS other FROM app.t a, app.t b WHERE a.n = b.n;
CREATE VIEW app.v_group AS SELECT n, count(*) AS c, sum(big) FILTER (WHERE id > 1) AS s, string_agg(t, ',' ORDER BY id DESC) AS g
  FROM app.t GROUP BY n HAVING count(*) > 1;
CREATE VIEW app.v_group_expression AS SELECT date_trunc('day', at) AS day, n + 1 AS m, count(*) AS c FROM app.t GROUP BY date_trunc('day', at), n + 1;
CREATE VIEW app.v_sets AS SELECT n, t, count(*) AS c, grouping(n, t) AS g FROM app.t GROUP BY GROUPING SETS ((n), (t), ()), ROLLUP (d), CUBE (app);
CREATE VIEW app.v_window AS SELECT id, rank() OVER w AS r, sum(n) OVER (PARTITION BY t ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s,
  lag(n, 1, 0) OVER (ORDER BY id) AS l FROM app.t WINDOW w AS (PARTITION BY n ORDER BY id RANGE UNBOUNDED PRECEDING EXCLUDE TIES);
CREATE VIEW app.v_cte AS WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 9), m AS MATERIALIZED (SELECT n FROM app.t)
  SELECT r.i, m.n FROM r, m;
CREATE VIEW app.v_modest_cte AS WITH w AS (SELECT id, n FROM app.t) SELECT id FROM w WHERE n = 1;
CREATE VIEW app.v_union AS SELECT id FROM app.t UNION SELECT id FROM app.u EXCEPT ALL (SELECT n FROM app.t INTERSECT SELECT t_id FROM app.u) ORDER BY 1;
CREATE VIEW app.v_distinct AS SELECT DISTINCT ON (n) n, id FROM app.t ORDER BY n, id;
CREATE VIEW app.v_sub AS SELECT id, (SELECT max(u.id) FROM app.u WHERE u.t_id = t.id) AS m, ARRAY(SELECT name FROM app.u) AS names,
  EXISTS (SELECT 1 FROM app.u WHERE u.t_id = t.n) AS e, n IN (SELECT id FROM app.u) AS i, n > ALL (SELECT id FROM app.u) AS a FROM app.t;
CREATE VIEW app.v_from AS SELECT s.id, l.name, o.* FROM (SELECT id FROM app.t WHERE n > 0) s, LATERAL (SELECT name FROM app.u WHERE u.t_id = s.id) l,
  unnest(ARRAY[1, 2], ARRAY['a', 'b']) WITH ORDINALITY AS o (number, letter, position);
CREATE VIEW app.v_rows_from AS SELECT * FROM ROWS FROM (generate_series(1, 3), json_to_recordset('[{"a":1}]') AS (a integer, b text)) AS f (s, a, b);
CREATE VIEW app.v_values AS SELECT v.a, v.b FROM (VALUES (1, 'x'), (2, NULL)) v (a, b);
CREATE VIEW app.v_sample AS SELECT id FROM app.t TABLESAMPLE bernoulli (10) REPEATABLE (3);
CREATE VIEW app.v_for_update AS SELECT id FROM app.t FOR UPDATE OF t SKIP LOCKED;
CREATE VIEW app.v_time AS SELECT extract(epoch FROM at) AS e, extract(year FROM d) AS y, at AT TIME ZONE 'UTC' AS z, (at, at) OVERLAPS (at, at) AS o,
  i + '1 day'::interval AS p, interval '1' hour AS h, date_part('dow', d) AS w, d + 1 AS next, CURRENT_DATE AS c, CURRENT_TIMESTAMP(2) AS ct, LOCALTIME AS lt FROM app.t;
CREATE VIEW app.v_text AS SELECT substring(t FROM 2 FOR 3) AS s, substring(t FROM 'a(.)') AS r, substring(t FROM 'a#"b#"c' FOR '#') AS si,
  overlay(t PLACING 'x' FROM 1) AS o, position('a' IN t) AS p, trim(BOTH 'x' FROM t) AS b, trim(LEADING FROM t) AS l, t || 'x' AS c,
  t LIKE 'a%' ESCAPE '!' AS k, t NOT ILIKE 'b_' AS nk, t SIMILAR TO '(a|b)' AS st, t ~* 'x' AS re, app.lower(t) AS ours, lower(t) AS theirs,
  E'a\\b\n' AS e, 'it''s' AS q, t COLLATE "C" < 'x' AS co, upper(t)::varchar(5) AS v, t::char(3) AS ch FROM app.t;
CREATE VIEW app.v_logic AS SELECT n BETWEEN 1 AND 3 AS b, n BETWEEN SYMMETRIC 3 AND 1 AS bs, n IS DISTINCT FROM id AS dif, n IS NULL OR t IS NOT NULL AS nu,
  (n > 1) IS TRUE AS tr, (n > 1) IS NOT UNKNOWN AS un, CASE n WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE 'c' END AS c, CASE WHEN n > 1 THEN 1 END AS cw,
  coalesce(n, id, 0) AS co, nullif(n, 1) AS ni, greatest(n, id) AS g, n = ANY (a) AS an, n <> ALL (ARRAY[1, 2]) AS al, n IN (1, 2, 3) AS i,
  (id, n) < (1, 2) AS r, ROW(id, n)::text AS ro, NOT n > 1 AS no, - n AS neg, n ^ 2 AS pw, |/ n AS sq, @ n AS ab, n & 3 | 1 # 2 AS bits FROM app.t;
CREATE VIEW app.v_row AS SELECT t AS whole_text, t.*::text AS whole, (t.*) IS NULL AS none, row_to_json(t.*) AS js FROM app.t;
CREATE VIEW app.v_json AS SELECT j -> 'a' AS a, j ->> 'b' AS b, j #> '{a,b}' AS p, j @> '{"a": 1}' AS c, j ? 'k' AS k, a[1] AS a1, a[1:2] AS a2, ARRAY[1, n] || a AS c2,
  xmlelement(name foo, xmlattributes(n AS bar), t) AS x1, xmlforest(n, t AS tt) AS x2, xmlconcat(x, x) AS x3, xmlserialize(content x AS text) AS x4, x IS DOCUMENT AS doc FROM app.t;
CREATE VIEW app.v_casts AS SELECT 1::bigint AS a, '1'::numeric(5, 2) AS b, NULL::text AS c, true AS d, 1.5 AS e, -1 AS f, '{1,2}'::integer[] AS g, 'x'::"char" AS h,
  B'101' AS i, X'ff' AS k, '2020-01-01'::date AS l, 'app.t'::regclass AS m, 'infinity'::float8 AS o, 10000000000 AS p;
CREATE VIEW app.v_ordered_set AS SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY n) AS p, mode() WITHIN GROUP (ORDER BY t) AS m, array_agg(DISTINCT n) AS a FROM app.t;
CREATE VIEW app.v_on_view AS SELECT v.id, w.z FROM app.v_plain v JOIN app.v_alias w ON w.id = v.id;
CREATE VIEW app.v_current AS SELECT CURRENT_USER AS a, SESSION_USER AS b, CURRENT_SCHEMA AS c, CURRENT_CATALOG AS d, CURRENT_ROLE AS e;
CREATE VIEW app.v_operator AS SELECT id, n OPERATOR(pg_catalog.+) 1 AS x FROM app.t WITH CASCADED CHECK OPTION;
CREATE MATERIALIZED VIEW app.m AS SELECT n, count(*) AS c FROM app.t GROUP BY n;
CREATE RULE r_insert AS ON INSERT TO app.v_plain DO INSTEAD INSERT INTO app.t (id, n) VALUES (new.id, new.n) ON CONFLICT (id) DO UPDATE SET n = excluded.n RETURNING id, n, t, "Mixed ""x""", app;
CREATE RULE r_update AS ON UPDATE TO app.v_plain DO INSTEAD UPDATE app.t SET n = new.n FROM app.u WHERE t.id = old.id AND u.t_id = t.id;
CREATE RULE r_delete AS ON DELETE TO app.v_plain WHERE old.n > 1 DO INSTEAD DELETE FROM app.t WHERE id = old.id;
CREATE RULE r_nothing AS ON DELETE TO app.v_plain DO INSTEAD NOTHING;
CREATE RULE r_also AS ON UPDATE TO app.u DO ALSO (INSERT INTO app.t SELECT old.id, u.t_id FROM app.u; NOTIFY x);
ALTER TABLE app.t ADD CHECK (n > 0 AND t IS NOT NULL OR "Mixed ""x""" LIKE 'x%'), ADD CHECK (n IN (1, 2, 3)), ADD CHECK (t ~ '^[a-z]+$' AND length(t) BETWEEN 1 AND 9),
  ADD CHECK (extract(year FROM at) > 2000), ADD CHECK (big::integer = ANY (ARRAY[1, 2])), ADD CHECK (trim(t) <> '' AND position('a' IN t) > 0);
ALTER TABLE app.t ADD COLUMN g text GENERATED ALWAYS AS (upper(coalesce(t, '')) || n::text) STORED, ADD COLUMN l timestamp DEFAULT (now() AT TIME ZONE 'UTC'),
  ADD COLUMN s text DEFAULT substring('abc' FROM 2), ADD COLUMN arr text[] DEFAULT ARRAY['a', 'b']::text[], ADD COLUMN e text DEFAULT E'a\\b', ADD COLUMN cu name DEFAULT CURRENT_USER;
CREATE INDEX i_expression ON app.t (lower(t), (n + 1), (j ->> 'a')) WHERE n IS NOT NULL AND t <> ALL (ARRAY['a', 'b']);
CREATE INDEX i_extract ON app.t ((d + 1), (at AT TIME ZONE 'UTC'));
CREATE POLICY p ON app.t FOR UPDATE USING (n IN (SELECT t_id FROM app.u WHERE u.name::text = CURRENT_USER::text)) WITH CHECK (t.n > 0);
CREATE FUNCTION app.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER g BEFORE UPDATE OF n, t ON app.t FOR EACH ROW WHEN (old.t IS DISTINCT FROM new.t AND new.n IN (1, 2)) EXECUTE FUNCTION app.fire('a', 'it''s');
CREATE PROCEDURE app.p(a integer, INOUT b text DEFAULT 'IN', VARIADIC c integer[] DEFAULT '{}') LANGUAGE plpgsql SET search_path TO app, "$user" AS 'BEGIN b := a; END';
CREATE FUNCTION app.f(a integer DEFAULT 1 + 1, b timestamptz DEFAULT now(), OUT c text) LANGUAGE sql STABLE AS $$SELECT 'IN'$$;
CREATE FUNCTION app.tab(a app.t) RETURNS TABLE (x integer, y app.t[]) LANGUAGE sql ROWS 5 COST 3 AS 'SELECT 1, ARRAY[$1]';
CREATE DOMAIN app.dom AS text DEFAULT lower('X') CHECK (VALUE ~ 'x' AND position('a' IN VALUE) > 0);
CREATE TABLE app.parts (k text, at timestamptz) PARTITION BY RANGE ((lower(k)), at);
CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES FROM ('a', MINVALUE) TO ('b', '2020-01-01');
CREATE STATISTICS app.st ON n, t FROM app.t;
)sql";

struct Pair {
  int source;
  int target;
};

class AFreshCopy : public ::testing::TestWithParam<Pair> {};

INSTANTIATE_TEST_SUITE_P(Pairs, AFreshCopy,
                         ::testing::Values(Pair{12, 18}, Pair{13, 15}, Pair{15, 15}, Pair{17, 18}, Pair{18, 18}),
                         [](const auto& pair) {
                           return std::to_string(pair.param.source) + "_to_" + std::to_string(pair.param.target);
                         });

TEST_P(AFreshCopy, of_everything_differs_in_nothing) {
  auto& from = server(GetParam().source);
  const Database source = from.create_database("everything");
  testbed::fill_with_everything(source, from.major());
  const Database copy = server(GetParam().target).adopt_database("Copy of \"" + source.name() + "\"");
  api::Spec spec = spec_between(source.uri(), copy.uri());
  spec.snapshot.roles = true;
  ASSERT_TRUE(done(snapshot(spec)));

  EXPECT_THAT(differences(source, copy), IsEmpty());
  EXPECT_THAT(sequence_differences(source, copy), IsEmpty());
}

class ACopyOfExpressions : public ::testing::TestWithParam<Pair> {};

INSTANTIATE_TEST_SUITE_P(Pairs, ACopyOfExpressions,
                         ::testing::Values(Pair{12, 18}, Pair{13, 14}, Pair{14, 16}, Pair{15, 18}, Pair{16, 17}),
                         [](const auto& pair) {
                           return std::to_string(pair.param.source) + "_to_" + std::to_string(pair.param.target);
                         });

TEST_P(ACopyOfExpressions, differs_in_nothing) {
  const Database source = server(GetParam().source).create_database("expressions");
  source.exec(expressions);
  const Database copy = server(GetParam().target).adopt_database(source.name() + "_copy");
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), copy.uri()))));

  EXPECT_THAT(differences(source, copy), IsEmpty());
}

}  // namespace
}  // namespace tributary::postgres::structure
