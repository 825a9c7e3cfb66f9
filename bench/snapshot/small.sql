-- 1,000 small tables in a chain of foreign keys, with two indexes each.
DO $$
BEGIN
  FOR i IN 1..1000 LOOP
    EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, parent int, label text, at timestamptz DEFAULT now())', i);
    EXECUTE format('INSERT INTO t%s SELECT g, g, ''row '' || g FROM generate_series(1, 200) g', i);
    EXECUTE format('CREATE INDEX ON t%s (label)', i);
    IF i > 1 THEN
      EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (parent) REFERENCES t%s (id)', i, i - 1);
    END IF;
    IF i % 100 = 0 THEN COMMIT; END IF;
  END LOOP;
END $$;
VACUUM ANALYZE;
