-- What version 13 brought.
ALTER TYPE app.shout SET (STORAGE = extended);
CREATE TABLE app.logged_via_root (id integer) PARTITION BY RANGE (id);
CREATE PUBLICATION fidelity_via_root FOR TABLE app.logged_via_root WITH (publish_via_partition_root = true);
CREATE TABLE app.unicode_escapes (t text DEFAULT U&'\2603');
CREATE TABLE app.newer_types (id integer PRIMARY KEY, x xid8, s pg_snapshot, c regcollation);
INSERT INTO app.newer_types VALUES (1, '18446744073709551615', '10:20:10,14', 'app.german_phonebook');
CREATE INDEX not_deduplicated ON app.newer_types (x) WITH (deduplicate_items = off);
CREATE STATISTICS app.most_common (mcv) ON plain, checked FROM app.columns;
ALTER STATISTICS app.most_common SET STATISTICS 33;
