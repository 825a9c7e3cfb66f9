# shellcheck shell=bash
# What a database holds, told by the database alone: for comparing two without the code under test.

# content PSQL...: of the database that the command PSQL talks to, each table and materialized view of its users with the
# number of rows and the sum of their hashes, in whatever order the rows lie.
content() {
  local union
  union=$("$@" -c "SELECT coalesce(string_agg(format(
      'SELECT %L, count(*), coalesce(sum(hashtextextended((t.*)::text, 0)), 0) FROM ONLY %s t', c.oid::regclass, c.oid::regclass),
      ' UNION ALL '), 'SELECT 1 WHERE false')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('_tributary', 'information_schema') AND n.nspname !~ '^pg_'")
  "$@" -c "$union" | sort
}
