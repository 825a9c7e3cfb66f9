-- What version 18 brought.
CREATE TABLE app.virtual (id integer PRIMARY KEY, doubled integer GENERATED ALWAYS AS (id * 2) VIRTUAL, stored integer GENERATED ALWAYS AS (id * 3) STORED);
INSERT INTO app.virtual (id) VALUES (1), (2);
CREATE TABLE app.not_null_named (id integer CONSTRAINT must_be_there NOT NULL, n integer);
INSERT INTO app.not_null_named VALUES (1, NULL);
ALTER TABLE app.not_null_named ADD CONSTRAINT later NOT NULL n NOT VALID;
ALTER TABLE app.not_null_named ADD CONSTRAINT slack CHECK (n > 0) NOT ENFORCED;
CREATE TABLE app.not_enforced (id integer, CONSTRAINT loose FOREIGN KEY (id) REFERENCES app.hen NOT ENFORCED);
INSERT INTO app.not_enforced VALUES (77);
CREATE TABLE app.temporal (id integer, during daterange, CONSTRAINT temporal_key PRIMARY KEY (id, during WITHOUT OVERLAPS));
INSERT INTO app.temporal VALUES (1, '[2020-01-01,2021-01-01)'), (1, '[2021-01-01,2022-01-01)');
CREATE TABLE app.temporal_child (id integer, during daterange, CONSTRAINT temporal_reference FOREIGN KEY (id, PERIOD during) REFERENCES app.temporal (id, PERIOD during));
INSERT INTO app.temporal_child VALUES (1, '[2020-06-01,2021-06-01)');
ALTER TABLE app.entry_2_a ADD CONSTRAINT leaf_note CHECK (id > 9) NOT ENFORCED;
CREATE TABLE app.partitioned_not_valid (id integer, hen integer) PARTITION BY RANGE (id);
CREATE TABLE app.partitioned_not_valid_1 PARTITION OF app.partitioned_not_valid FOR VALUES FROM (0) TO (10);
INSERT INTO app.partitioned_not_valid VALUES (1, 99);
ALTER TABLE app.partitioned_not_valid ADD CONSTRAINT stays FOREIGN KEY (hen) REFERENCES app.hen NOT VALID;
