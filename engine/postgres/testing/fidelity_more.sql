-- What fidelity.sql has no room for: types inside types, long values, names that break naive programs, partitions whose
-- columns stand elsewhere than in their parent. Run after it.
CREATE EXTENSION citext WITH SCHEMA app;
CREATE EXTENSION pg_trgm WITH SCHEMA app;

CREATE TYPE app.nested AS (p app.pair, moods app.mood[], m app.positive);
CREATE DOMAIN app.few AS integer[] CHECK (cardinality(VALUE) < 4);
CREATE DOMAIN app.half AS app.pair CHECK (VALUE IS NULL OR (VALUE).a > 0);
CREATE TABLE app.more_types (
  id integer PRIMARY KEY, c_nested app.nested, c_nesteds app.nested[], c_few app.few, c_half app.half, c_citext app.citext,
  c_matrix text[][], c_dates date[], c_intervals interval[], c_ranges tstzrange[], c_json json[], c_bytea bytea[], c_lsns pg_lsn[],
  c_name name[], c_time time[], c_uuid uuid[], c_bits bit(3)[], c_xml xml[], c_boxes box[], c_money money[], c_points point[],
  c_short app.short, c_oidvector oidvector, c_int2vector int2vector, c_regprocedure regprocedure, c_regrole regrole, c_refcursor refcursor);
INSERT INTO app.more_types VALUES (1,
  ROW(ROW(1, 'x,"y"'), ARRAY['sad', NULL]::app.mood[], 5), ARRAY[NULL, ROW(NULL, '{}', NULL)]::app.nested[], '{1,2,3}', '(1,)', 'CaSe',
  '[-1:0][5:6]={{a,NULL},{"","\\"}}', '{4713-01-01 BC,5874897-12-31,infinity,-infinity,NULL}',
  '{-178000000 years,"178000000 years -1 mon 2147483647 days -595000:00:54.775807",0}',
  '{empty,"(,)","[2020-01-01 00:00+00,infinity]"}', ARRAY['{"a":  1}', 'null', '"\u0000x"']::json[], '{"\\x00","\\x"}',
  '{0/0,FFFFFFFF/FFFFFFFF}', '{"a b",NULL}', '{24:00:00,00:00:00}', '{00000000-0000-0000-0000-000000000000}', '{101,000}',
  ARRAY['<a/>', 'text &amp; more'::xml]::xml[], '{(1,1),(0,0);(3,3),(2,2)}', '{1.00,-2.50}', '{"(1,2)","(NaN,Infinity)"}', 'short',
  '1 2 3', '-1 0 1', 'app.twice(integer)', 'fidelity_owner', 'cursor');
INSERT INTO app.more_types (id, c_short, c_nesteds, c_matrix, c_regprocedure, c_regrole, c_citext) VALUES (2, '', '{}', '{}', '-', '-', '');
CREATE INDEX more_types_trigram ON app.more_types USING gin ((c_citext::text) app.gin_trgm_ops);
CREATE INDEX more_types_german ON app.more_types (((c_matrix)[0][5]) COLLATE app.german_phonebook);
CREATE TABLE app.row_typed (id integer PRIMARY KEY, r app.more_types, rs app.pair[]);
INSERT INTO app.row_typed SELECT 1, m, ARRAY[ROW(1, NULL)::app.pair] FROM app.more_types m WHERE id = 1;
CREATE TABLE app.huge (id integer PRIMARY KEY, t text, b bytea);
INSERT INTO app.huge SELECT 1, string_agg(md5(n::text), ''), decode(string_agg(md5((-n)::text), ''), 'hex') FROM generate_series(1, 70000) n;
INSERT INTO app.huge VALUES (2, repeat(E'\n\t\\"', 300000), NULL), (3, '', '');

CREATE TABLE app."back\slash, new
line, tab	 and 100%s" ("back\slash" integer PRIMARY KEY, "%s" text, "a,b" text, "''" text DEFAULT E'it''s \\ "x"');
INSERT INTO app."back\slash, new
line, tab	 and 100%s" VALUES (1, '%d', E'\\', NULL);
CREATE VIEW app."view on ""Mixed""
line" AS SELECT * FROM app."back\slash, new
line, tab	 and 100%s";
COMMENT ON VIEW app."view on ""Mixed""
line" IS E'\\. and\n-- and /* and $$';
CREATE TABLE app."{braces} and  spaces, as long as a name can be ________________" (id integer);
CREATE TABLE app."$1" ("--" integer REFERENCES app."back\slash, new
line, tab	 and 100%s", "/*" serial);
INSERT INTO app."$1" VALUES (1);

CREATE TABLE app.moved (gone integer, t text, also_gone text, id integer NOT NULL);
ALTER TABLE app.moved DROP COLUMN gone, DROP COLUMN also_gone;
CREATE TABLE app.dropped_above (old integer, id integer, t text, twice bigint GENERATED ALWAYS AS (id * 2) STORED) PARTITION BY RANGE (id);
ALTER TABLE app.dropped_above DROP COLUMN old;
ALTER TABLE app.moved ADD COLUMN twice bigint GENERATED ALWAYS AS (id * 2) STORED;
ALTER TABLE app.dropped_above ATTACH PARTITION app.moved FOR VALUES FROM (0) TO (100);
CREATE TABLE app.dropped_below PARTITION OF app.dropped_above (t DEFAULT 'its own', CONSTRAINT only_below CHECK (t <> 'x'))
  FOR VALUES FROM (100) TO (200);
INSERT INTO app.dropped_above VALUES (1, 'a'), (100, 'b'), (101, NULL);
CREATE UNIQUE INDEX ON app.dropped_above (id) INCLUDE (t);
CREATE TABLE app.no_partitions (id integer) PARTITION BY LIST (id);
CREATE UNLOGGED TABLE app.empty (id integer PRIMARY KEY, t text UNIQUE);
CREATE TABLE app.child_of_two (LIKE app.animal INCLUDING ALL, m integer);
ALTER TABLE app.child_of_two INHERIT app.animal;

CREATE TRIGGER always BEFORE INSERT ON app.triggered FOR EACH STATEMENT EXECUTE FUNCTION app.fire();
ALTER TABLE app.triggered ENABLE ALWAYS TRIGGER always;
CREATE RULE replicas AS ON UPDATE TO app.ruled DO ALSO NOTIFY changed;
ALTER TABLE app.ruled ENABLE REPLICA RULE replicas;
CREATE RULE always AS ON DELETE TO app.ruled_log DO ALSO NOTIFY changed;
ALTER TABLE app.ruled_log ENABLE ALWAYS RULE always;

CREATE TABLE app.elsewhere (id integer PRIMARY KEY USING INDEX TABLESPACE fidelity_space) TABLESPACE fidelity_space;
INSERT INTO app.elsewhere VALUES (1);

CREATE TABLE app.odd_types (
  id integer PRIMARY KEY, c_tid tid, c_xid xid, c_cid cid, c_acl aclitem, c_acls aclitem[], c_namespace regnamespace, c_config regconfig,
  c_dictionary regdictionary, c_operator regoperator, c_proc regproc, c_timetz timetz[], c_record app.pair[][], c_path jsonpath[],
  c_cidr cidr[], c_char "char"[], c_bpchar char(4)[], c_tsv tsvector[], c_interval interval year to month, c_bit bit varying,
  c_domain_array app.few[]);
INSERT INTO app.odd_types VALUES (1, '(4294967295,65535)', '4294967295', '7', 'fidelity_reader=r*w/fidelity_owner', '{=r/postgres}', 'app',
  'app.plainly', 'app.plain', 'app.=%=(integer,integer)', 'pg_catalog.now', '{23:59:59+14,00:00:00-14:30}', '{{"(1,a)",NULL}}', '{$.a,"strict $[*]"}',
  '{10.0.0.0/8,::/0}', '{a,"\\",NULL}', '{a,"b "}', '{"''a b'':1A"}', '-13 mons', B'', '{"{1,2}",NULL}');
CREATE TABLE app.in_text (id integer PRIMARY KEY, a aclitem[], t text);
INSERT INTO app.in_text VALUES (1, NULL, E'\\N'), (2, '{}', E'a\tb\nc\\d\r\v\b\f\\.'), (3, NULL, ''), (4, NULL, NULL), (5, '{=/postgres}', E'\\.\n');

CREATE CONVERSION app.to_utf8 FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE OPERATOR FAMILY app.loose USING hash;
CREATE TEXT SEARCH TEMPLATE app.simple_template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH PARSER app.own_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE FUNCTION app.pair_of(integer) RETURNS app.pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, NULL)::app.pair';
CREATE CAST (integer AS app.pair) WITH FUNCTION app.pair_of(integer);
CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE app.other_heaped (id integer) USING other_heap;
INSERT INTO app.other_heaped VALUES (1);
CREATE AGGREGATE app.moving(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = integer, SORTOP = >);
CREATE AGGREGATE app.hypothetical(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal,
  FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE FUNCTION app.table_of(n integer DEFAULT 3) RETURNS TABLE (a integer, b app.mood) LANGUAGE plpgsql LEAKPROOF AS $$BEGIN RETURN QUERY SELECT n, 'ok'::app.mood; END$$;
CREATE VIEW app.ruled_view AS SELECT id, t FROM app.ruled;
CREATE RULE to_ruled AS ON INSERT TO app.ruled_view DO INSTEAD INSERT INTO app.ruled VALUES (new.id, new.t) RETURNING id, t;
CREATE TABLE app.options (id integer, t text) WITH (toast_tuple_target = 256, parallel_workers = 2, autovacuum_vacuum_scale_factor = 0.5);
CREATE INDEX options_filled ON app.options (id) WITH (fillfactor = 50);
COMMENT ON CONVERSION app.to_utf8 IS 'conversion';
COMMENT ON CAST (integer AS app.pair) IS 'cast';
COMMENT ON ACCESS METHOD other_heap IS 'heap';
COMMENT ON TEXT SEARCH PARSER app.own_parser IS 'parser';
COMMENT ON SERVER far_away IS 'server';
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO fidelity_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON TYPES TO fidelity_writer WITH GRANT OPTION;

-- Rows that break rules which came after them, and stay.
CREATE DOMAIN app.lucky AS integer;
CREATE TABLE app.breaks_rules (id integer PRIMARY KEY, n integer, l app.lucky, parent integer);
INSERT INTO app.breaks_rules VALUES (1, -1, 13, 99), (2, NULL, NULL, NULL);
ALTER DOMAIN app.lucky ADD CONSTRAINT no_thirteen CHECK (VALUE <> 13) NOT VALID;
ALTER TABLE app.breaks_rules ADD CONSTRAINT positive CHECK (n > 0) NOT VALID;
ALTER TABLE app.breaks_rules ADD CONSTRAINT has_parent FOREIGN KEY (parent) REFERENCES app.breaks_rules DEFERRABLE INITIALLY DEFERRED NOT VALID;
CREATE TABLE app.all_dropped (a integer, b text);
INSERT INTO app.all_dropped VALUES (1, 'x'), (2, 'y');
ALTER TABLE app.all_dropped DROP COLUMN a, DROP COLUMN b;
CREATE TABLE app.deferred_exclusion (r int4range, EXCLUDE USING gist (r WITH &&) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO app.deferred_exclusion VALUES ('[1,5)'), ('[5,6)'), ('empty');
CREATE INDEX only_above ON ONLY app.measured (region);
CREATE SEQUENCE app."elsewhere'" OWNED BY app.tree.id;
ALTER SEQUENCE app.columns_id_seq RENAME TO "renamed identity";
ALTER SCHEMA public OWNER TO fidelity_owner;
COMMENT ON SCHEMA public IS 'ours';
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO fidelity_reader;
