-- About 1 GB in few tables: the accounts of pgbench at scale 50, and 1.5 million rows of 16 mixed columns.
CREATE TABLE branches (bid int NOT NULL, bbalance int, filler char(88), CONSTRAINT branches_pkey PRIMARY KEY (bid));
CREATE TABLE accounts (aid int NOT NULL, bid int, abalance int, filler char(84));
CREATE TABLE wide (
  id bigint NOT NULL, code uuid NOT NULL, name text, city text, created timestamptz, updated timestamp, born date,
  price numeric(12, 2), weight double precision, ratio real, small smallint, active boolean, tags text[], attributes jsonb,
  payload bytea, note text);
INSERT INTO branches SELECT i, 0, '' FROM generate_series(1, 50) i;
INSERT INTO accounts SELECT i, (i - 1) / 100000 + 1, 0, '' FROM generate_series(1, 5000000) i;
INSERT INTO wide
  SELECT i, md5(i::text)::uuid, 'name ' || i, 'city ' || i % 1000, timestamptz '2020-01-01' + i * interval '1 minute',
         timestamp '2020-01-01' + i * interval '1 second', date '1950-01-01' + i % 20000, (i % 100000) / 7.0, i / 3.0,
         i / 9.0, (i % 30000)::smallint, i % 3 = 0, ARRAY['a' || i % 10, 'b'], jsonb_build_object('k', i, 'on', i % 2 = 0),
         decode(md5(i::text), 'hex'), CASE WHEN i % 5 > 0 THEN repeat('x', i % 60) END
  FROM generate_series(1, 1500000) i;
ALTER TABLE accounts ADD CONSTRAINT accounts_pkey PRIMARY KEY (aid);
ALTER TABLE wide ADD CONSTRAINT wide_pkey PRIMARY KEY (id);
VACUUM ANALYZE;
