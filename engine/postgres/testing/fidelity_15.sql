-- What version 15 brought.
CREATE TABLE app.nulls_not_distinct (a integer, b integer, CONSTRAINT nnd UNIQUE NULLS NOT DISTINCT (a, b));
INSERT INTO app.nulls_not_distinct VALUES (1, NULL), (2, NULL);
CREATE TABLE app.set_null_some (a integer, b integer, CONSTRAINT partly FOREIGN KEY (a, b) REFERENCES app.hen (id, egg) ON DELETE SET NULL (b));
CREATE VIEW app.invoker WITH (security_invoker = true) AS SELECT * FROM app.tree;
GRANT SELECT ON app.invoker TO fidelity_reader;
CREATE TABLE app.more_numeric (id integer PRIMARY KEY, rounded numeric(3, -2), tiny numeric(2, 5));
INSERT INTO app.more_numeric VALUES (1, 12345, 0.00012);
CREATE COLLATION app.icu_und (provider = icu, locale = 'und');
CREATE PUBLICATION fidelity_schema FOR TABLES IN SCHEMA app;
CREATE UNLOGGED SEQUENCE app.unlogged_sequence;
SELECT nextval('app.unlogged_sequence');
