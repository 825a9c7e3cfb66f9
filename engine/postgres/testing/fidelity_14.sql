-- What version 14 brought.
CREATE TABLE app.multiranges (id integer PRIMARY KEY, i int4multirange, n nummultirange, s app.span[], m app.span_multirange);
INSERT INTO app.multiranges VALUES (1, '{[1,3),[5,8)}', '{}', '{"[1,2)",NULL}', '{[1,2),[4,Infinity)}'), (2, NULL, '{(,1),(2,)}', '{}', '{}');
CREATE FUNCTION app.with_body(n integer) RETURNS bigint LANGUAGE sql STABLE
  BEGIN ATOMIC
    SELECT count(*) FROM app.tree WHERE id > n;
  END;
CREATE FUNCTION app.grouped_body() RETURNS SETOF integer LANGUAGE sql STABLE
  BEGIN ATOMIC
    SELECT t.id + coalesce(t.parent, 0) FROM app.tree t GROUP BY t.id;
  END;
CREATE PROCEDURE app.with_out(IN a integer, OUT b integer) LANGUAGE plpgsql AS $$BEGIN b := a; END$$;
CREATE STATISTICS app.expression_statistics ON (plain % 10), (checked % 10) FROM app.columns;
ALTER TABLE app.columns ALTER COLUMN narrow SET COMPRESSION pglz;
CREATE TABLE app.infinite (id integer PRIMARY KEY, n numeric);
INSERT INTO app.infinite VALUES (1, 'infinity'), (2, '-infinity'), (3, 'NaN');
CREATE TABLE app.compressed (id integer PRIMARY KEY, t text, p text COMPRESSION pglz);
INSERT INTO app.compressed VALUES (1, repeat('lz4 ', 10000), repeat('pglz ', 10000));
CREATE FUNCTION app.subscript(t text) RETURNS text LANGUAGE sql IMMUTABLE RETURN t || 'x';
