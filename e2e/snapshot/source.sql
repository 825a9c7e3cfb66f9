CREATE TYPE tier AS ENUM ('free', 'paid');
CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, tier tier, tags text[]);
CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL REFERENCES customers, total numeric(12, 2));
CREATE TABLE "Mixed Case" ("a-b" text, note jsonb);
INSERT INTO customers (name, tier, tags)
  SELECT 'customer ' || i, (ARRAY['free', 'paid'])[1 + i % 2]::tier, ARRAY['x', NULL] FROM generate_series(1, 1000) i;
INSERT INTO orders SELECT i, 1 + i % 1000, i / 3.0 FROM generate_series(1, 20000) i;
INSERT INTO "Mixed Case" VALUES ('', '{}'), (NULL, NULL), (U&'\00e9', '{"a": 1}');
CREATE VIEW totals AS SELECT customer, sum(total) FROM orders GROUP BY customer;
CREATE INDEX ON orders (customer);
