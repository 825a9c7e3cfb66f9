#include "engine/torture/workload.h"

#include <chrono>
#include <iterator>
#include <optional>
#include <random>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "engine/testing/session.h"

namespace tributary::torture {
namespace {

using testbed::Session;

// d0 to d4 come and go and take every shape; they have an id and some of the columns c0 to c3, n0, e0, s0, g0.
const char* const tables = R"sql(
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE couple AS (a int, b text);
CREATE TABLE plain (id int PRIMARY KEY, word text, number numeric, stamp timestamptz, doc jsonb);
CREATE TABLE wide (id int PRIMARY KEY, small int, large text);
ALTER TABLE wide ALTER large SET STORAGE EXTERNAL;
CREATE TABLE whole (a int, b text, c float8);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE second_key (id int PRIMARY KEY, other int UNIQUE);
CREATE TABLE pair (x int, y text, z int[], PRIMARY KEY (x, y));
CREATE SEQUENCE counter;
CREATE TABLE counted (id bigint PRIMARY KEY DEFAULT nextval('counter'), n int);
CREATE TABLE parted (id int PRIMARY KEY, n int) PARTITION BY HASH (id);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE span (id int, k int, n int, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE span_0 PARTITION OF span FOR VALUES FROM (00) TO (09);
CREATE TABLE span_1 PARTITION OF span FOR VALUES FROM (10) TO (19);
CREATE TABLE span_2 PARTITION OF span FOR VALUES FROM (20) TO (29);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
INSERT INTO parent SELECT generate_series(1, 50);
CREATE TABLE typed (id int PRIMARY KEY, c1 bool, c2 smallint, c3 bigint, c4 real, c5 float8, c6 numeric(12,4), c7 money,
  c8 char(6), c9 "char", c10 varchar(40), c11 name, c12 bytea, c13 date, c14 time, c15 timetz, c16 timestamp,
  c17 timestamptz, c18 interval, c19 uuid, c20 json, c21 jsonb, c22 xml, c23 inet, c24 cidr, c25 macaddr, c26 macaddr8,
  c27 bit(5), c28 varbit, c29 tsvector, c30 tsquery, c31 point, c32 line, c33 lseg, c34 box, c35 path, c36 polygon,
  c37 circle, c38 int4range, c39 numrange, c40 tstzrange, c41 oid, c42 pg_lsn, c43 jsonpath, c44 mood, c45 couple,
  c46 positive, c47 int[], c48 text[], c49 mood[], c50 couple[]);
CREATE TABLE d0 (id int PRIMARY KEY, c0 int, c1 text);
CREATE TABLE d1 (id serial PRIMARY KEY, c0 text DEFAULT 'it''s', c2 numeric, n0 int DEFAULT 3,
  e0 mood DEFAULT 'fine');
)sql";

// One statement of a writer. It draws: $ a key, %t a table, %c a column, %u another one of either.
const char* const statements[] = {
    "INSERT INTO plain VALUES ($, md5('$'), $ / 3.0, now(), '{\"n\": $}') ON CONFLICT (id) DO UPDATE SET word = "
    "'again'",
    "UPDATE plain SET number = number * -1, doc = NULL WHERE id BETWEEN $ AND $ + 5",
    "UPDATE plain SET id = id + 1000000 WHERE id = $ AND NOT EXISTS (SELECT FROM plain WHERE id = $ + 1000000)",
    "DELETE FROM plain WHERE id % 17 = $ % 17",
    "INSERT INTO wide VALUES ($, 0, repeat(md5('$'), 300)) ON CONFLICT (id) DO UPDATE SET small = wide.small + 1",
    "UPDATE wide SET small = small + 1 WHERE id % 3 = $ % 3",
    "UPDATE wide SET large = repeat(md5('$$'), 280) WHERE id = $",
    "INSERT INTO whole VALUES ($ % 5, 'same', 'NaN'), ($ % 5, 'same', 'NaN')",
    "UPDATE whole SET c = $ WHERE ctid = (SELECT min(ctid) FROM whole WHERE a = $ % 5)",
    "DELETE FROM whole WHERE ctid = (SELECT min(ctid) FROM whole WHERE a = $ % 5)",
    "INSERT INTO second_key VALUES ($, -$) ON CONFLICT DO NOTHING",
    "UPDATE second_key SET other = other - 1000000 WHERE id < 100 AND other > -1000000",
    "DELETE FROM second_key WHERE id = $",
    "INSERT INTO pair VALUES ($ % 9, 'k$', ARRAY[1, NULL, $]) ON CONFLICT (x, y) DO UPDATE SET z = NULL",
    "DELETE FROM pair WHERE x = $ % 9",
    "INSERT INTO counted (n) VALUES ($), (-$)",
    "INSERT INTO parted (id, n) VALUES ($, 1) ON CONFLICT (id) DO UPDATE SET n = parted.n + 1",
    "UPDATE parted SET id = id + 500000 WHERE id = $ AND NOT EXISTS (SELECT FROM parted WHERE id = $ + 500000)",
    "INSERT INTO span_%c VALUES ($, %c0 + $ % 9, 0) ON CONFLICT (id, k) DO UPDATE SET n = span_%c.n + 1",
    "UPDATE span SET k = (k + 10) % 30 WHERE id = $",
    "DELETE FROM span WHERE id % 13 = $ % 13",
    "INSERT INTO child VALUES ($, 1 + $ % 50) ON CONFLICT DO NOTHING",
    "DELETE FROM parent WHERE id = 1 + $ % 50",
    "INSERT INTO parent VALUES (1 + $ % 50) ON CONFLICT DO NOTHING",
    "SAVEPOINT s; UPDATE plain SET word = 'undone'; ROLLBACK TO s",
    R"sql(INSERT INTO typed SELECT k, k % 2 = 0, k, -k * 10000000000, k / 3.0::real, 'NaN', k / 7.0, k, 'x' || k, 'c',
      repeat('v', k % 40), 'n' || k, decode(md5(k::text), 'hex'), date '2000-01-01' + k, time '10:00' + k * interval '1 s',
      '23:59:59.999999-15:59', 'infinity', now(), k * interval '1 day 1 s', md5(k::text)::uuid, '{"a": 1,  "a": 2}',
      jsonb_build_object('k', k), '<a>x</a>', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
      k::bit(5), B'101', 'a:1A fat:2B,4C', 'fat & (rat | !cat:A)', point(k, 0.1), '{1,-1,0}', '[(0,0),(1,1)]',
      '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),5>', int4range(k, k + 5), '(,5.5]',
      '[2020-01-01 00:00+00,)', k, '16/B374D848', '$.a[*] ? (@ > 1)', 'sad', ROW(k, 'b "quoted"')::couple, k + 1, ARRAY[k, NULL],
      ARRAY['', NULL, 'a,b'], '{sad,NULL,fine}', ARRAY[ROW(k, NULL)::couple]
      FROM (SELECT $ AS k) AS drawn ON CONFLICT (id) DO NOTHING)sql",
    "UPDATE typed SET c1 = NOT c1, c6 = -c6, c12 = NULL, c18 = -c18, c21 = c21 || '{\"more\": null}', c31 = NULL, c40 ="
    " 'empty', c44 = 'fine', c45 = ROW(NULL, '')::couple, c48 = c48 || NULL::text WHERE id % 7 = $ % 7",
    "UPDATE typed SET id = id + 1000000 WHERE id = $ AND NOT EXISTS (SELECT FROM typed WHERE id = $ + 1000000)",
    "DELETE FROM typed WHERE id % 11 = $ % 11",
    "INSERT INTO d%t (id) VALUES ($) ON CONFLICT (id) DO NOTHING",
    R"sql(INSERT INTO d%t SELECT (jsonb_populate_record(NULL::d%t, '{"id": $, "c0": "1$", "c1": "2$", "c2": "3$",
      "c3": "4$", "n0": "8", "e0": "sad", "s0": "2020-01-01"}')).* ON CONFLICT (id) DO NOTHING)sql",
    "INSERT INTO d%t (id, c%c) SELECT i, '7' FROM generate_series($, $ + 5) i ON CONFLICT (id) DO NOTHING",
    "UPDATE d%t SET c%c = '$' WHERE id = $",
    "UPDATE d%t SET c%c = NULL WHERE id % 7 = $ % 7",
    "UPDATE d%t SET id = id + 1000000 WHERE id = $ AND NOT EXISTS (SELECT FROM d%t WHERE id = $ + 1000000)",
    "UPDATE d%t SET e0 = (enum_range(NULL::mood))[1 + $ % array_length(enum_range(NULL::mood), 1)] WHERE id % 5 = $ % "
    "5",
    "DELETE FROM d%t WHERE id % 11 = $ % 11",
};

// One change of definitions, or what else takes a table for itself.
const char* const changes[] = {
    "CREATE TABLE d%t (id int PRIMARY KEY, c0 int, c1 text)",
    "CREATE TABLE d%t (id serial PRIMARY KEY, c1 text DEFAULT 'made', c2 numeric, CHECK (id > -1))",
    "CREATE TABLE d%t (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, e0 mood, c3 text NOT NULL DEFAULT '3');"
    " INSERT INTO d%t (id) SELECT generate_series(1, 300)",
    "CREATE TABLE d%t AS SELECT i AS id, i::text AS c%c FROM generate_series(1, 100) i; ALTER TABLE d%t ADD PRIMARY "
    "KEY "
    "(id)",
    "DROP TABLE d%t",
    "BEGIN; DROP TABLE d%t; CREATE TABLE d%t (c1 int, id int PRIMARY KEY); INSERT INTO d%t SELECT 1, i FROM "
    "generate_series(1, 50) i; COMMIT",
    "ALTER TABLE d%t RENAME TO d%u",
    "BEGIN; ALTER TABLE d%t RENAME TO d%u; CREATE TABLE d%t (LIKE d%u INCLUDING ALL); COMMIT",
    "ALTER TABLE d%t ADD COLUMN c%c int",
    "ALTER TABLE d%t ADD COLUMN c%c text NOT NULL DEFAULT 'it''s %c'",
    "ALTER TABLE d%t ADD COLUMN c%c numeric(12,2) DEFAULT 2.50; UPDATE d%t SET c%c = id WHERE id % 2 = 0",
    "ALTER TABLE d%t ADD COLUMN c%c float8 DEFAULT random()",
    "ALTER TABLE d%t ADD COLUMN c%c serial",
    "ALTER TABLE d%t ADD COLUMN s0 timestamptz DEFAULT now()",
    "ALTER TABLE d%t ADD COLUMN n0 int DEFAULT 3",
    "ALTER TABLE d%t ADD COLUMN e0 mood DEFAULT 'fine'",
    "ALTER TABLE d%t ADD COLUMN g0 bigint GENERATED ALWAYS AS (id * 2) STORED",
    "ALTER TABLE d%t ALTER COLUMN g0 DROP EXPRESSION",
    "ALTER TABLE d%t DROP COLUMN c%c",
    "ALTER TABLE d%t DROP COLUMN e0",
    "ALTER TABLE d%t RENAME COLUMN c%c TO c%u",
    "ALTER TABLE d%t ALTER COLUMN c%c TYPE text USING 'was ' || c%c",
    "ALTER TABLE d%t ALTER COLUMN n0 TYPE bigint",
    "ALTER TABLE d%t ALTER COLUMN n0 TYPE numeric(20,2) USING n0 * 2",
    "ALTER TABLE d%t ALTER COLUMN n0 TYPE text",
    "ALTER TABLE d%t ALTER COLUMN n0 DROP DEFAULT, ALTER COLUMN n0 TYPE int USING n0::int, ALTER COLUMN n0 SET DEFAULT "
    "5",
    "ALTER TABLE d%t ALTER COLUMN c%c TYPE varchar(30)",
    "ALTER TABLE d%t ALTER COLUMN id TYPE bigint",
    "ALTER TABLE d%t ALTER COLUMN c%c SET NOT NULL",
    "ALTER TABLE d%t ALTER COLUMN c%c DROP NOT NULL",
    "ALTER TABLE d%t ALTER COLUMN c%c SET DEFAULT '5'",
    "ALTER TABLE d%t ALTER COLUMN c%c SET DEFAULT nextval('counter')",
    "ALTER TABLE d%t ALTER COLUMN c%c DROP DEFAULT",
    "ALTER TABLE d%t REPLICA IDENTITY FULL",
    "ALTER TABLE d%t REPLICA IDENTITY DEFAULT",
    "CREATE INDEX ON d%t (id, c%c)",
    "CLUSTER d%t USING d%t_pkey",
    "VACUUM FULL d%t",
    "TRUNCATE d%t",
    "TRUNCATE pair",
    "TRUNCATE parted_%c",
    "TRUNCATE parent CASCADE",
    "ALTER TABLE parted ADD COLUMN c%c int DEFAULT 7",
    "ALTER TABLE parted DROP COLUMN c%c",
    "ALTER TABLE whole ADD COLUMN c%c text DEFAULT 'old'",
    "ALTER TABLE span DETACH PARTITION span_%c",
    "ALTER TABLE span ATTACH PARTITION span_%c FOR VALUES FROM (%c0) TO (%c9)",
    "CREATE TABLE span_%c PARTITION OF span FOR VALUES FROM (%c0) TO (%c9)",
    "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'm%c' BEFORE 'fine'",
};

void replace_all(std::string& sql, std::string_view sign, const std::string& value) {
  for (std::size_t at = sql.find(sign); at != std::string::npos; at = sql.find(sign, at + value.size()))
    sql.replace(at, sign.size(), value);
}

std::string drawn(std::string sql, std::mt19937_64& random) {
  const std::uint64_t which = random() % 5;
  const bool is_of_tables = sql.find("%t") != std::string::npos && sql.find("%c") == std::string::npos;
  const std::uint64_t column = random() % 4;
  replace_all(sql, "%t", std::to_string(which));
  replace_all(sql, "%u",
              std::to_string(is_of_tables ? (which + 1 + random() % 4) % 5 : (column + 1 + random() % 3) % 4));
  replace_all(sql, "%c", std::to_string(column));
  replace_all(sql, "$.a", "<path>");
  replace_all(sql, "$", std::to_string(random() % 200));
  replace_all(sql, "<path>", "$.a");
  return sql;
}

bool is_of_the_connection(const std::string& sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("57P");
}

// Runs `work` again and again in a session that waits for nobody's lock for long, and in another one when that is lost.
template <class Work>
void in_sessions(const std::string& uri, const std::atomic<bool>& enough, Work&& work) {
  std::optional<Session> session;
  while (!enough) {
    try {
      if (!session) session.emplace(uri + "&options=-c%20lock_timeout%3D300ms");
    } catch (const std::runtime_error&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    if (!work(*session)) session.reset();
  }
}

// Whether the session can be used again.
bool write_once(Session& session, std::mt19937_64& random) {
  std::string state = session.sqlstate("BEGIN");
  for (std::uint64_t left = 1 + random() % 4; left > 0 && state.empty(); --left)
    state = session.sqlstate(drawn(statements[random() % std::size(statements)], random));
  const std::string ended = session.sqlstate(random() % 10 == 0 ? "ROLLBACK" : "COMMIT");
  return !is_of_the_connection(state) && !is_of_the_connection(ended);
}

}  // namespace

void make_tables(const std::string& uri) {
  Session(uri).exec(tables);
}

Workload::Workload(std::string uri, std::uint64_t seed) : uri_(std::move(uri)) {
  std::mt19937_64 random(seed);
  for (int writer = 0; writer < writers; ++writer) threads_.emplace_back([this, own = random()] { write(own); });
  threads_.emplace_back([this, own = random()] { change(own); });
}

void Workload::stop() {
  enough_ = true;
  threads_.clear();
}

void Workload::write(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  in_sessions(uri_, enough_, [&](Session& session) { return write_once(session, random); });
}

// A change that fails in the midst of a transaction leaves it open.
void Workload::change(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  in_sessions(uri_, enough_, [&](Session& session) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));  // the moment is what is random
    const std::lock_guard lock(changing_);
    const std::string state = session.sqlstate(drawn(changes[random() % std::size(changes)], random));
    return !is_of_the_connection(state) && !is_of_the_connection(session.sqlstate("ROLLBACK"));
  });
}

}  // namespace tributary::torture
