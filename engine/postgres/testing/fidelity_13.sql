-- What version 13 brought.
ALTER TYPE app.shout SET (STORAGE = extended);
CREATE TABLE app.logged_via_root (id integer) PARTITION BY RANGE (id);
CREATE PUBLICATION fidelity_via_root FOR TABLE app.logged_via_root WITH (publish_via_partition_root = true);
CREATE TABLE app.unicode_escapes (t text DEFAULT U&'\2603');
