-- What version 17 brought.
CREATE TABLE app.identity_partitioned (id integer GENERATED ALWAYS AS IDENTITY, at date) PARTITION BY RANGE (at);
CREATE TABLE app.identity_partitioned_1 PARTITION OF app.identity_partitioned FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
INSERT INTO app.identity_partitioned (at) VALUES ('2020-05-05'), ('2020-06-06');
CREATE COLLATION app.builtin_utf8 (provider = builtin, locale = 'C.UTF-8');
GRANT MAINTAIN ON app.tree TO fidelity_reader;
CREATE TABLE app.infinite_interval (id integer PRIMARY KEY, i interval);
INSERT INTO app.infinite_interval VALUES (1, 'infinity'), (2, '-infinity');
