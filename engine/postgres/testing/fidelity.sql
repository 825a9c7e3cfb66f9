-- Every kind of object and value that a copy must carry over unchanged, as far as version 12 knows it; fidelity_NN.sql
-- adds what later versions brought. The roles come from fidelity_roles.sql. Run by a superuser in an empty database.

CREATE SCHEMA app AUTHORIZATION fidelity_owner;
CREATE SCHEMA "Mixed Case-Schema";
CREATE SCHEMA "ünïcode ☃";
COMMENT ON SCHEMA app IS 'it''s the app, "quoted"; with a semicolon
-- and what looks like a comment';
GRANT USAGE ON SCHEMA app TO fidelity_reader, "Fidelity ""Mixed"" role";
GRANT USAGE, CREATE ON SCHEMA app TO fidelity_writer WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE fidelity_owner IN SCHEMA app GRANT SELECT ON TABLES TO fidelity_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE fidelity_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE EXTENSION hstore WITH SCHEMA app;
CREATE EXTENSION btree_gist;
COMMENT ON EXTENSION hstore IS 'a comment of our own';

-- Types, domains, collations.
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'it''s "great"', 'ünïcode');
ALTER TYPE app.mood ADD VALUE 'meh' BEFORE 'ok';
CREATE TYPE app.pair AS (a integer, "B b" text);
CREATE TYPE app.span AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE DOMAIN app.positive AS integer DEFAULT 7 CONSTRAINT positive_only CHECK (VALUE > 0);
CREATE DOMAIN app.short AS text NOT NULL CHECK (length(VALUE) < 20);
ALTER DOMAIN app.positive ADD CONSTRAINT not_thirteen CHECK (VALUE <> 13) NOT VALID;
CREATE COLLATION app.german_phonebook (provider = icu, locale = 'de-u-co-phonebk');
CREATE COLLATION app.case_insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
COMMENT ON TYPE app.mood IS 'moods';
COMMENT ON DOMAIN app.positive IS 'more than nothing';
ALTER TYPE app.mood OWNER TO fidelity_owner;
ALTER DOMAIN app.positive OWNER TO fidelity_owner;
ALTER COLLATION app.german_phonebook OWNER TO fidelity_owner;
GRANT USAGE ON TYPE app.pair TO fidelity_reader;
REVOKE USAGE ON TYPE app.pair FROM PUBLIC;

-- A type of our own with input and output functions.
CREATE TYPE app.shout;
CREATE FUNCTION app.shout_in(cstring) RETURNS app.shout LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION app.shout_out(app.shout) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE app.shout (INPUT = app.shout_in, OUTPUT = app.shout_out, LIKE = text);
CREATE CAST (app.shout AS text) WITHOUT FUNCTION AS ASSIGNMENT;

-- Functions, procedures, aggregates, operators.
CREATE FUNCTION app.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT 2 * n';
CREATE FUNCTION app.twice(t text, suffix text DEFAULT '; -- '''::text) RETURNS text LANGUAGE sql IMMUTABLE
  SET search_path TO 'pg_catalog', 'app' SET work_mem TO '8MB' AS $$SELECT t || t || suffix$$;
-- Its body imitates what separates the entries of a dump.
CREATE FUNCTION app.trap() RETURNS text LANGUAGE plpgsql SECURITY DEFINER COST 7 AS $trap$
BEGIN
  RETURN '
--
-- Name: evil; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.evil (i integer);
';
END
$trap$;
CREATE FUNCTION app.refers_to_what_is_not_there() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE PROCEDURE app.do_nothing(INOUT n integer) LANGUAGE plpgsql AS $$BEGIN n := n + 1; END$$;
CREATE FUNCTION app.many(OUT a integer, OUT b text) RETURNS SETOF record LANGUAGE sql ROWS 3
  AS $$VALUES (1, 'x'), (2, 'y')$$;
CREATE FUNCTION app.variadic_sum(VARIADIC numbers integer[]) RETURNS bigint LANGUAGE sql IMMUTABLE
  AS 'SELECT sum(n) FROM unnest(numbers) n';
CREATE AGGREGATE app.concat_all(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
CREATE AGGREGATE app.nothing_seen(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
CREATE FUNCTION app.same_parity(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = $2 % 2';
CREATE OPERATOR app.=%= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = app.same_parity, COMMUTATOR = OPERATOR(app.=%=));
CREATE FUNCTION app.reverse_cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp($2, $1)';
CREATE OPERATOR CLASS app.backwards FOR TYPE integer USING btree AS
  OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 app.reverse_cmp(integer, integer);
COMMENT ON FUNCTION app.twice(integer) IS 'doubles';
COMMENT ON AGGREGATE app.concat_all(text) IS 'joins';
COMMENT ON OPERATOR app.=%= (integer, integer) IS 'both odd or both even';
ALTER FUNCTION app.twice(integer) OWNER TO fidelity_owner;
ALTER AGGREGATE app.concat_all(text) OWNER TO "Fidelity ""Mixed"" role";
ALTER PROCEDURE app.do_nothing(integer) OWNER TO fidelity_owner;
ALTER OPERATOR app.=%= (integer, integer) OWNER TO fidelity_owner;
ALTER OPERATOR CLASS app.backwards USING btree OWNER TO fidelity_owner;
REVOKE EXECUTE ON FUNCTION app.trap() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.trap() TO fidelity_writer;

-- Text search.
CREATE TEXT SEARCH DICTIONARY app.plain (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION app.plainly (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION app.plainly ALTER MAPPING FOR asciiword WITH app.plain, simple;
ALTER TEXT SEARCH CONFIGURATION app.plainly OWNER TO fidelity_owner;

-- Foreign data.
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far_away FOREIGN DATA WRAPPER nowhere OPTIONS (host 'example.invalid', note 'it''s far');
CREATE USER MAPPING FOR fidelity_reader SERVER far_away OPTIONS (password 'mapped secret');
CREATE FOREIGN TABLE app.far (id integer OPTIONS (position '1') NOT NULL, t text) SERVER far_away OPTIONS (path '/x');
GRANT USAGE ON FOREIGN SERVER far_away TO fidelity_reader;

-- Every built-in type.
CREATE TABLE app.every_type (
  id integer PRIMARY KEY,
  c_smallint smallint, c_bigint bigint, c_numeric numeric, c_numeric_scaled numeric(1000, 3), c_real real,
  c_double double precision, c_money money, c_bool boolean, c_char char(5), c_internal_char "char", c_varchar varchar(10),
  c_text text, c_name name, c_bytea bytea, c_date date, c_time time(3), c_timetz time with time zone,
  c_timestamp timestamp, c_timestamptz timestamp with time zone, c_interval interval, c_interval_day interval day to second(2),
  c_uuid uuid, c_json json, c_jsonb jsonb, c_xml xml, c_inet inet, c_cidr cidr, c_macaddr macaddr, c_macaddr8 macaddr8,
  c_bit bit(5), c_varbit bit varying(9), c_tsvector tsvector, c_tsquery tsquery, c_point point, c_line line, c_lseg lseg,
  c_box box, c_path path, c_polygon polygon, c_circle circle, c_int4range int4range, c_numrange numrange,
  c_tstzrange tstzrange, c_daterange daterange, c_regclass regclass, c_regtype regtype, c_oid oid, c_txid txid_snapshot,
  c_pg_lsn pg_lsn, c_jsonpath jsonpath, c_hstore app.hstore, c_mood app.mood, c_pair app.pair, c_span app.span,
  c_positive app.positive, c_shout app.shout, c_ints integer[], c_texts text[], c_matrix integer[][], c_moods app.mood[],
  c_pairs app.pair[], c_positives app.positive[], c_regclasses regclass[], c_numerics numeric(10, 2)[]);
INSERT INTO app.every_type (id) VALUES (0);
INSERT INTO app.every_type VALUES (1,
  -32768, 9223372036854775807, 'NaN', repeat('9', 900)::numeric + 0.125, 'NaN', '-0', '-92233720368547758.08', true, 'ab',
  'x', '', '', '', '', 'infinity', '24:00:00', '23:59:59.999999-15:59', '-infinity', 'infinity',
  '-178000000 years', '1 day 02:03:04.05', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1, "a":   2, "b": null}',
  '{"a": 1e400, "b": "\u00fc"}', '<a>x</a>', '::ffff:1.2.3.4/96', '10.0.0.0/8', '08:00:2b:01:02:03',
  '08:00:2b:01:02:03:04:05', B'10101', B'', 'a:1A fat:2B,4C cat:5D', 'fat & (rat | !cat:A)', '(1e-300,2)', '{1,-1,0}',
  '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),5>', '[1,10)', '(,5.5]',
  '[2020-01-01 00:00+00,)', 'empty', 'app.every_type', 'app.mood', 4294967295, '10:20:10,14', '16/B374D848', '$.a[*] ? (@ > 1)',
  '"k"=>"v", "n"=>NULL', 'it''s "great"', '(1,"x, ""y""")', '[-Infinity,1.5)', 1, 'loud', '{1,NULL,3}',
  '{"",NULL,"NULL","a,b","\"q\"","\\"}', '{{1,2},{3,4}}', '{sad,"it''s \"great\"",NULL}', '{"(1,)","(,\"\")",NULL}', '{1,NULL}',
  '{pg_class,app.every_type}', '{1.10,NaN,NULL}');
INSERT INTO app.every_type (id, c_text, c_bytea, c_varchar, c_real, c_double, c_numeric, c_timestamp, c_ints, c_texts) VALUES
  (2, '|', '\x00ff0a5c', E'tab\tnl\n', '-infinity', 'infinity', 1e-1000, '4713-01-01 00:00:00 BC', '{}', '{}'),
  (3, E'\\N', '\x5c4e', E'\\.', 1.17549435e-38, 4.9406564584124654e-324, '0.000', '294276-12-31 23:59:59.999999', '[-2:0]={1,2,3}', '{ünïcode,☃}'),
  (4, NULL, '', 'NULL', 3.4028235e38, 1.7976931348623157e308, '-1.50', 'epoch', NULL, '{NULL}');

-- Names.
CREATE TABLE "Mixed Case-Schema"."Select" ("Group" integer PRIMARY KEY, "has ""quotes""" text, "semi;colon" text,
  "ünïcode ☃" text, "new
line" text, " spaces " text, "$1" text, "per%cent" text);
INSERT INTO "Mixed Case-Schema"."Select" VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f', '%s'), (2, NULL, '', NULL, '', NULL, '', '');
CREATE TABLE "ünïcode ☃"."täble; DROP TABLE x; --" ("ï" serial PRIMARY KEY, t text DEFAULT 'it''s');
INSERT INTO "ünïcode ☃"."täble; DROP TABLE x; --" (t) VALUES (DEFAULT), ('☃');
CREATE INDEX "index with ""quotes"" and
newline" ON "ünïcode ☃"."täble; DROP TABLE x; --" (t);
CREATE TABLE app."select" ("from" integer, "where" integer);
CREATE VIEW app."user" AS SELECT "from", "where" AS "window" FROM app."select";
COMMENT ON COLUMN "Mixed Case-Schema"."Select"."has ""quotes""" IS 'quoted ''column''';
COMMENT ON INDEX "ünïcode ☃"."index with ""quotes"" and
newline" IS 'an index';

-- Columns of all kinds.
CREATE TABLE app.columns (
  id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5) PRIMARY KEY,
  by_default integer GENERATED BY DEFAULT AS IDENTITY,
  stored integer GENERATED ALWAYS AS (app.twice(plain)) STORED,
  plain integer DEFAULT app.twice(21),
  collated text COLLATE app.german_phonebook,
  folded text COLLATE app.case_insensitive,
  c_collated text COLLATE "C",
  wide text, narrow text, dropped integer,
  mood app.mood DEFAULT 'ok', at timestamp with time zone DEFAULT now(), checked integer CONSTRAINT sane CHECK (checked > 0));
ALTER TABLE app.columns DROP COLUMN dropped;
ALTER TABLE app.columns ALTER COLUMN wide SET STORAGE EXTERNAL;
ALTER TABLE app.columns ALTER COLUMN wide SET STATISTICS 500;
ALTER TABLE app.columns ALTER COLUMN narrow SET (n_distinct = -0.5);
ALTER TABLE app.columns SET (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE app.columns ADD CONSTRAINT old_rows_break_it CHECK (plain <> 42) NOT VALID;
COMMENT ON CONSTRAINT sane ON app.columns IS 'a constraint';
INSERT INTO app.columns (plain, collated, folded, wide, checked)
  SELECT n, 'ä' || n, 'Abc' || n, repeat('x', 9000), n FROM generate_series(1, 10) n;
CREATE TABLE app.added_later (id integer PRIMARY KEY);
INSERT INTO app.added_later VALUES (1), (2);
ALTER TABLE app.added_later ADD COLUMN with_default text DEFAULT 'stored once';
CREATE TABLE app.only_generated (a integer GENERATED ALWAYS AS (1) STORED);
CREATE TABLE app.zero_columns ();
INSERT INTO app.zero_columns SELECT FROM generate_series(1, 3);
CREATE UNLOGGED TABLE app.unlogged (id integer PRIMARY KEY, t text);
INSERT INTO app.unlogged VALUES (1, 'kept');
CREATE TABLE app.typed OF app.pair (PRIMARY KEY (a));
INSERT INTO app.typed VALUES (1, 'typed');

-- Sequences of each shape.
CREATE SEQUENCE app.plain_sequence;
CREATE SEQUENCE app.small_sequence AS smallint MINVALUE -5 MAXVALUE 20 START 3 INCREMENT 2 CACHE 4 CYCLE;
CREATE SEQUENCE app.falling INCREMENT -1;
CREATE SEQUENCE app."Used Once";
CREATE SEQUENCE app.owned_later;
SELECT nextval('app.small_sequence'), nextval('app.falling'), nextval('app."Used Once"');
SELECT setval('app.plain_sequence', 9223372036854775806, false);
ALTER SEQUENCE app.owned_later OWNED BY app.columns.plain;
CREATE TABLE app.uses_sequence (id integer DEFAULT nextval('app.plain_sequence'), n serial);
COMMENT ON SEQUENCE app.plain_sequence IS 'numbers';
ALTER SEQUENCE app.plain_sequence OWNER TO fidelity_owner;
GRANT USAGE ON SEQUENCE app.plain_sequence TO fidelity_writer;

-- Partitions: list over range, hash, default, and names of constraints that differ from the parent's.
CREATE TABLE app.measured (at date NOT NULL, region text NOT NULL, value integer, PRIMARY KEY (at, region))
  PARTITION BY RANGE (at);
CREATE TABLE app.measured_2020 PARTITION OF app.measured FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE app.measured_2021 PARTITION OF app.measured FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')
  PARTITION BY LIST (region);
CREATE TABLE app.measured_2021_north PARTITION OF app.measured_2021 FOR VALUES IN ('north', 'NW''s');
CREATE TABLE app.measured_2021_rest PARTITION OF app.measured_2021 DEFAULT;
CREATE TABLE app.measured_early PARTITION OF app.measured FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE app.measured_else PARTITION OF app.measured DEFAULT;
CREATE TABLE app.measured_attached (value integer, region text NOT NULL, at date NOT NULL, CONSTRAINT own_name PRIMARY KEY (at, region));
ALTER TABLE app.measured ATTACH PARTITION app.measured_attached FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE INDEX measured_value ON app.measured (value) WHERE value > 0;
CREATE INDEX only_here ON app.measured_2020 (region);
INSERT INTO app.measured SELECT '2019-06-01'::date + n * 40, CASE n % 2 WHEN 0 THEN 'north' ELSE 'south' END, n
  FROM generate_series(0, 40) n;
CREATE TABLE app.hashed (id integer, t text, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE app.hashed_0 PARTITION OF app.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.hashed_1 PARTITION OF app.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO app.hashed SELECT n, 'h' || n FROM generate_series(1, 20) n;
CREATE TABLE app.by_expression (t text) PARTITION BY LIST (lower(t));
CREATE TABLE app.by_expression_a PARTITION OF app.by_expression FOR VALUES IN ('a');
COMMENT ON TABLE app.measured IS 'partitioned';
ALTER TABLE app.measured OWNER TO fidelity_owner;

-- Inheritance with rows in the parent.
CREATE TABLE app.animal (name text PRIMARY KEY, legs integer DEFAULT 4 CHECK (legs >= 0));
CREATE TABLE app.dog (breed text, legs integer DEFAULT 4) INHERITS (app.animal);
CREATE TABLE app.wonder (CHECK (legs > 4) NO INHERIT) INHERITS (app.animal, app.added_later);
INSERT INTO app.animal VALUES ('generic', 4);
INSERT INTO app.dog VALUES ('rex', 4, 'husky');
INSERT INTO app.wonder VALUES ('spider', 8, 1, 'x');

-- Keys.
CREATE TABLE app.tree (id integer PRIMARY KEY, parent integer CONSTRAINT to_self REFERENCES app.tree);
INSERT INTO app.tree VALUES (1, 2), (2, 1), (3, NULL);
CREATE TABLE app.hen (id integer PRIMARY KEY, egg integer NOT NULL, UNIQUE (id, egg));
CREATE TABLE app.egg (id integer PRIMARY KEY, hen integer NOT NULL REFERENCES app.hen ON UPDATE CASCADE ON DELETE SET NULL);
ALTER TABLE app.hen ADD CONSTRAINT "came from" FOREIGN KEY (egg) REFERENCES app.egg DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO app.hen VALUES (1, 1), (2, 2);
INSERT INTO app.egg VALUES (1, 1), (2, 2);
COMMIT;
CREATE TABLE app.full_match (a integer, b integer, FOREIGN KEY (a, b) REFERENCES app.hen (id, egg) MATCH FULL);
INSERT INTO app.full_match VALUES (1, 1), (NULL, NULL);
CREATE TABLE app.never_valid (id integer);
INSERT INTO app.never_valid VALUES (99);
ALTER TABLE app.never_valid ADD CONSTRAINT stays_not_valid FOREIGN KEY (id) REFERENCES app.hen NOT VALID;
CREATE TABLE app.note (at date, region text, text text, CONSTRAINT to_partitioned FOREIGN KEY (at, region) REFERENCES app.measured);
INSERT INTO app.note SELECT at, region, 'n' FROM app.measured;
CREATE TABLE app.entry (id integer NOT NULL, hen integer CONSTRAINT from_partitioned REFERENCES app.hen DEFERRABLE) PARTITION BY RANGE (id);
CREATE TABLE app.entry_1 (id integer NOT NULL, hen integer, CONSTRAINT leaf_own_name FOREIGN KEY (hen) REFERENCES app.hen DEFERRABLE);
ALTER TABLE app.entry ATTACH PARTITION app.entry_1 FOR VALUES FROM (0) TO (10);
CREATE TABLE app.entry_2 PARTITION OF app.entry FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (id);
CREATE TABLE app.entry_2_a PARTITION OF app.entry_2 FOR VALUES FROM (10) TO (20);
INSERT INTO app.entry VALUES (1, 1), (11, 2), (12, NULL);
CREATE TABLE app.deferrable_key (id integer CONSTRAINT later UNIQUE DEFERRABLE INITIALLY DEFERRED, n integer UNIQUE DEFERRABLE);
INSERT INTO app.deferrable_key VALUES (1, 1), (2, 2);
CREATE TABLE app.booking (room integer, during tsrange, CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (room > 0));
INSERT INTO app.booking VALUES (1, '[2020-01-01,2020-01-02)'), (1, '[2020-01-02,2020-01-03)');

-- Indexes.
CREATE UNIQUE INDEX every_type_expression ON app.every_type ((coalesce(c_text, 'none' || id)), (app.twice(id))) INCLUDE (c_bool) WHERE id > 0;
CREATE INDEX every_type_gin ON app.every_type USING gin (c_jsonb jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX every_type_brin ON app.every_type USING brin (c_bigint) WITH (pages_per_range = 7);
CREATE INDEX every_type_hash ON app.every_type USING hash (c_uuid);
CREATE INDEX every_type_backwards ON app.every_type (id app.backwards);
CREATE INDEX every_type_order ON app.every_type (c_text COLLATE "C" DESC NULLS LAST, c_date NULLS FIRST);
ALTER INDEX app.every_type_expression ALTER COLUMN 2 SET STATISTICS 77;
CREATE UNIQUE INDEX columns_identity ON app.columns (by_default);
ALTER TABLE app.columns CLUSTER ON columns_identity;
ALTER TABLE app.columns ALTER COLUMN by_default SET NOT NULL;
ALTER TABLE app.columns REPLICA IDENTITY USING INDEX columns_identity;
ALTER TABLE app.tree REPLICA IDENTITY FULL;
ALTER TABLE app.booking REPLICA IDENTITY NOTHING;
CREATE STATISTICS app.columns_statistics (ndistinct, dependencies) ON plain, checked FROM app.columns;
COMMENT ON STATISTICS app.columns_statistics IS 'related';

-- Views, rules, materialized views.
CREATE VIEW app.base_view WITH (security_barrier = true) AS SELECT id, c_text, c_mood FROM app.every_type WHERE id > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW app.view_on_view AS SELECT b.id, b.c_text || '!' AS loud FROM app.base_view b WHERE b.c_mood = 'it''s "great"'::app.mood;
ALTER VIEW app.base_view ALTER COLUMN c_text SET DEFAULT 'view default';
CREATE VIEW app.grouped AS SELECT t.id, t.parent, count(*) AS n FROM app.tree t GROUP BY t.id;
CREATE VIEW app.on_grouped AS SELECT * FROM app.grouped;
CREATE RECURSIVE VIEW app.numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 5;
CREATE MATERIALIZED VIEW app.z_first AS SELECT id, c_text FROM app.every_type;
CREATE MATERIALIZED VIEW app.a_second AS SELECT count(*) AS n FROM app.z_first;
CREATE MATERIALIZED VIEW app.not_populated AS SELECT 1 AS one WITH NO DATA;
CREATE MATERIALIZED VIEW app.of_grouped AS SELECT t.id, t.parent, count(*) AS n FROM app.tree t GROUP BY t.id;
CREATE UNIQUE INDEX z_first_id ON app.z_first (id);
CREATE INDEX of_grouped_id ON app.of_grouped (id);
COMMENT ON MATERIALIZED VIEW app.z_first IS 'materialized';
ALTER MATERIALIZED VIEW app.z_first OWNER TO fidelity_owner;
GRANT SELECT ON app.every_type, app.z_first TO fidelity_owner;
ALTER VIEW app.base_view OWNER TO fidelity_owner;
CREATE TABLE app.ruled (id integer PRIMARY KEY, t text);
CREATE TABLE app.ruled_log (id integer, what text);
CREATE RULE log_it AS ON INSERT TO app.ruled DO ALSO INSERT INTO app.ruled_log VALUES (new.id, 'inserted; "really"');
CREATE RULE no_delete AS ON DELETE TO app.ruled WHERE old.id = 1 DO INSTEAD NOTHING;
INSERT INTO app.ruled VALUES (1, 'x');
ALTER TABLE app.ruled DISABLE RULE no_delete;
COMMENT ON RULE log_it ON app.ruled IS 'a rule';

-- Triggers, which must not fire during a copy.
CREATE TABLE app.triggered (id integer PRIMARY KEY, t text);
CREATE TABLE app.fired (what text);
CREATE FUNCTION app.fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.fired VALUES (tg_name);
  RETURN new;
END
$$;
INSERT INTO app.triggered VALUES (1, 'before the triggers');
CREATE TRIGGER fires BEFORE INSERT OR UPDATE OF t ON app.triggered FOR EACH ROW WHEN (new.id > 0) EXECUTE FUNCTION app.fire('arg''s', 'x');
CREATE TRIGGER fires_always AFTER INSERT ON app.triggered FOR EACH ROW EXECUTE FUNCTION app.fire();
ALTER TABLE app.triggered ENABLE ALWAYS TRIGGER fires_always;
CREATE TRIGGER fires_on_replica AFTER INSERT ON app.triggered FOR EACH ROW EXECUTE FUNCTION app.fire();
ALTER TABLE app.triggered ENABLE REPLICA TRIGGER fires_on_replica;
CREATE TRIGGER never AFTER TRUNCATE ON app.triggered EXECUTE FUNCTION app.fire();
ALTER TABLE app.triggered DISABLE TRIGGER never;
CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON app.triggered DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.fire();
CREATE TRIGGER with_tables AFTER UPDATE ON app.triggered REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION app.fire();
CREATE TRIGGER on_view INSTEAD OF INSERT ON app.base_view FOR EACH ROW EXECUTE FUNCTION app.fire();
CREATE TRIGGER on_partitioned AFTER INSERT ON app.measured FOR EACH ROW EXECUTE FUNCTION app.fire();
ALTER TABLE app.measured_2020 DISABLE TRIGGER on_partitioned;
COMMENT ON TRIGGER fires ON app.triggered IS 'a trigger';

-- Row security.
CREATE TABLE app.secured (id integer PRIMARY KEY, owner text);
INSERT INTO app.secured VALUES (1, 'alice'), (2, 'bob');
ALTER TABLE app.secured ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.secured FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON app.secured AS RESTRICTIVE FOR ALL TO fidelity_reader, "Fidelity ""Mixed"" role" USING (owner = current_user) WITH CHECK (owner <> 'bob');
CREATE POLICY anyone ON app.secured FOR SELECT USING (true);
ALTER TABLE app.secured OWNER TO fidelity_owner;
CREATE TABLE app.policy_without_security (id integer);
CREATE POLICY waiting ON app.policy_without_security USING (id > 0);
COMMENT ON POLICY anyone ON app.secured IS 'a policy';

-- Ownership and grants.
CREATE TABLE app.granted (id integer PRIMARY KEY, secret text, open text);
INSERT INTO app.granted VALUES (1, 's', 'o');
ALTER TABLE app.granted OWNER TO fidelity_owner;
GRANT SELECT (id, open), UPDATE (open) ON app.granted TO fidelity_reader;
GRANT ALL ON app.granted TO fidelity_writer WITH GRANT OPTION;
GRANT SELECT ON app.granted TO PUBLIC;
SET SESSION AUTHORIZATION fidelity_writer;
GRANT INSERT ON app.granted TO "Fidelity ""Mixed"" role";
RESET SESSION AUTHORIZATION;
REVOKE DELETE ON app.every_type FROM CURRENT_USER;
COMMENT ON TABLE app.granted IS E'multi\nline\ttabbed \\ back';

-- A publication, which a copy leaves out.
CREATE PUBLICATION fidelity_publication FOR TABLE app.tree;

-- Large objects.
SELECT lo_from_bytea(910001, '\x00010203ff');
SELECT lo_from_bytea(910002, '');
SELECT lo_from_bytea(910003, decode(repeat('00ff5c4e', 700000), 'hex'));
ALTER LARGE OBJECT 910001 OWNER TO fidelity_owner;
GRANT SELECT ON LARGE OBJECT 910001 TO fidelity_reader;
REVOKE UPDATE ON LARGE OBJECT 910001 FROM fidelity_owner;
COMMENT ON LARGE OBJECT 910001 IS 'it''s large';
SELECT lo_put(lo_create(910004), 5000000, 'after a hole');

-- Last, so that what stands above does not set them off.
CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.fired VALUES ('ddl ' || tg_tag);
END
$$;
CREATE EVENT TRIGGER fidelity_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE INDEX', 'GRANT') EXECUTE FUNCTION app.on_ddl();
CREATE EVENT TRIGGER fidelity_drop ON sql_drop EXECUTE FUNCTION app.on_ddl();
ALTER EVENT TRIGGER fidelity_drop DISABLE;
CREATE EVENT TRIGGER fidelity_always ON ddl_command_start EXECUTE FUNCTION app.on_ddl();
ALTER EVENT TRIGGER fidelity_always ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER fidelity_ddl IS 'an event trigger';
DELETE FROM app.fired;
