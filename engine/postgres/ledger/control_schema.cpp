#include "engine/postgres/ledger/control_schema.h"

#include "engine/postgres/client/array_literal.h"

namespace tributary::postgres {
namespace {

// Version 1. A table is done when as many of its parts are committed as it has; a step's undo takes back what it made;
// `epoch` is the fence: whoever bumps it owns the replication, and a transaction of an older epoch cannot commit.
constexpr const char* version_1 = R"sql(
CREATE SCHEMA _tributary;
COMMENT ON SCHEMA _tributary IS 'Ledger of Tributary: what has been replicated into this database. Drop it only when no replication into this database is left.';
CREATE TABLE _tributary.control (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version integer NOT NULL
);
CREATE TABLE _tributary.replication (
  key text PRIMARY KEY,
  source_system text NOT NULL,
  source_database text NOT NULL,
  epoch bigint NOT NULL,
  attempt integer NOT NULL,
  engine text NOT NULL,
  state text NOT NULL CHECK (state IN ('copying', 'complete')),
  consistency text NOT NULL CHECK (consistency IN ('snapshot', 'per_table')),
  request_id text NOT NULL,
  schema_digest text NOT NULL,
  position pg_lsn,
  session_pid integer NOT NULL,
  session_start timestamptz NOT NULL,
  started timestamptz NOT NULL,
  moved timestamptz NOT NULL,
  completed timestamptz
) WITH (fillfactor = 50);
CREATE TABLE _tributary.table_state (
  replication text NOT NULL REFERENCES _tributary.replication ON DELETE CASCADE,
  schema_name text NOT NULL,
  table_name text NOT NULL,
  state text NOT NULL CHECK (state IN ('copying', 'done')),
  position pg_lsn,
  storage text NOT NULL,
  parts integer NOT NULL,
  parts_done integer NOT NULL DEFAULT 0,
  rows bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  epoch bigint NOT NULL,
  PRIMARY KEY (replication, schema_name, table_name)
);
CREATE TABLE _tributary.part (
  replication text NOT NULL,
  schema_name text NOT NULL,
  table_name text NOT NULL,
  number integer NOT NULL,
  rows bigint NOT NULL,
  bytes bigint NOT NULL,
  attempt integer NOT NULL,
  epoch bigint NOT NULL,
  PRIMARY KEY (replication, schema_name, table_name, number),
  FOREIGN KEY (replication, schema_name, table_name) REFERENCES _tributary.table_state ON DELETE CASCADE
);
CREATE TABLE _tributary.step (
  replication text NOT NULL REFERENCES _tributary.replication ON DELETE CASCADE,
  number bigint GENERATED ALWAYS AS IDENTITY,
  stage text NOT NULL,
  object text NOT NULL,
  digest text NOT NULL,
  undo text NOT NULL,
  epoch bigint NOT NULL,
  PRIMARY KEY (replication, number)
);
CREATE TABLE _tributary.large_object (
  replication text NOT NULL REFERENCES _tributary.replication ON DELETE CASCADE,
  id oid NOT NULL,
  epoch bigint NOT NULL,
  PRIMARY KEY (replication, id)
);
INSERT INTO _tributary.control (version) VALUES (1);
)sql";

// Version 2: the stream. `position` of a table is the one its rows were copied at; `stream` is NULL where nothing
// follows.
constexpr const char* version_2 = R"sql(
CREATE TABLE _tributary.stream (
  replication text PRIMARY KEY REFERENCES _tributary.replication ON DELETE CASCADE,
  slot text NOT NULL,
  publication text NOT NULL,
  owns_publication boolean NOT NULL,
  timeline integer NOT NULL,
  start pg_lsn NOT NULL,
  applied pg_lsn NOT NULL,
  commit_time timestamptz,
  released boolean NOT NULL,
  epoch bigint NOT NULL,
  moved timestamptz NOT NULL
) WITH (fillfactor = 10);
ALTER TABLE _tributary.table_state
  ADD COLUMN stream text CHECK (stream IN ('followed', 'stopped', 'not_streamed')),
  ADD COLUMN reason text NOT NULL DEFAULT '';
UPDATE _tributary.control SET version = 2;
)sql";

// Version 3: tables that are to be copied again beside the stream, and the last request for that which was taken up.
constexpr const char* version_3 = R"sql(
ALTER TABLE _tributary.table_state
  DROP CONSTRAINT table_state_stream_check,
  ADD CONSTRAINT table_state_stream_check CHECK (stream IN ('followed', 'stopped', 'not_streamed', 'recopy'));
ALTER TABLE _tributary.replication ADD COLUMN recopy_request text NOT NULL DEFAULT '';
UPDATE _tributary.control SET version = 3;
)sql";

// Version 4: where a table's rows lie on the target, if not in its namesake, how the source had defined it, and when
// its rows were last asked for.
constexpr const char* version_4 = R"sql(
ALTER TABLE _tributary.table_state
  ADD COLUMN route_schema text,
  ADD COLUMN route_name text,
  ADD COLUMN shape text[] NOT NULL DEFAULT '{}',
  ADD COLUMN asked timestamptz NOT NULL DEFAULT now();
UPDATE _tributary.control SET version = 4;
)sql";

// Version 5: the few tables that are not followed are looked for every few seconds, among a hundred thousand maybe.
constexpr const char* version_5 = R"sql(
CREATE INDEX table_state_aside ON _tributary.table_state (replication) WHERE stream <> 'followed';
UPDATE _tributary.control SET version = 5;
)sql";

// Version 6: foreign keys of the source that tables lack which came after the copy.
constexpr const char* version_6 = R"sql(
CREATE TABLE _tributary.late_key (
  replication text NOT NULL REFERENCES _tributary.replication ON DELETE CASCADE,
  id oid NOT NULL,
  PRIMARY KEY (replication, id)
);
UPDATE _tributary.control SET version = 6;
)sql";

// Version 7: who wants the stream to stand still, so that both ends are read at one position (hold_ledger.h). `pid` is
// of the asker's session; the times, in microseconds, are for how long the stream stood for the cut, and at last.
constexpr const char* version_7 = R"sql(
CREATE TABLE _tributary.hold (
  replication text NOT NULL REFERENCES _tributary.replication ON DELETE CASCADE,
  asker text NOT NULL,
  pid integer NOT NULL,
  limit_ms integer NOT NULL CHECK (limit_ms BETWEEN 1 AND 10000),
  state text NOT NULL CHECK (state IN ('asked', 'standing', 'cut', 'reached', 'released', 'done', 'expired')),
  cut pg_lsn,
  applied pg_lsn,
  stood_for_cut bigint NOT NULL DEFAULT 0,
  stood_last bigint NOT NULL DEFAULT 0,
  asked timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (replication, asker)
) WITH (fillfactor = 10);
UPDATE _tributary.control SET version = 7;
)sql";

// Version 8: what a comparison of both ends has found so far; `found` is JSON, NULL as long as the range was not read.
constexpr const char* version_8 = R"sql(
CREATE TABLE _tributary.compared_range (
  run text NOT NULL,
  schema_name text NOT NULL,
  table_name text NOT NULL,
  number integer NOT NULL,
  from_key text[] NOT NULL,
  before_key text[] NOT NULL,
  shape text NOT NULL,
  found text,
  planned timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run, schema_name, table_name, number)
);
UPDATE _tributary.control SET version = 8;
)sql";

// Version 9: the witness of a stream's position (pipeline::Witness). Of what an older engine has applied none is known.
constexpr const char* version_9 = R"sql(
ALTER TABLE _tributary.stream
  ADD COLUMN witness pg_lsn,
  ADD COLUMN witness_end pg_lsn,
  ADD COLUMN witness_time timestamptz;
UPDATE _tributary.stream SET witness = applied, witness_end = applied;
ALTER TABLE _tributary.stream ALTER COLUMN witness SET NOT NULL, ALTER COLUMN witness_end SET NOT NULL;
UPDATE _tributary.control SET version = 9;
)sql";

// Version 10: why the stream has ended (StreamEnd, with the word of its fault instead of `is_lost`), until it moves on.
constexpr const char* version_10 = R"sql(
ALTER TABLE _tributary.stream ADD COLUMN last_end text[];
UPDATE _tributary.control SET version = 10;
)sql";

// Any two engines that create or upgrade at the same time take this lock first.
constexpr const char* upgrade_lock = "SELECT pg_catalog.pg_advisory_xact_lock(7526756273891)";

Result<void> upgrade(Connection& target, int version, const Until& until) {
  for (int step = version; step < control_version; ++step)
    TRY(target.execute(control_upgrades()[static_cast<std::size_t>(step)], until));
  return {};
}

// The schema's owner and those of all that is in it, unless that is us or a superuser, who may do everything anyway. To
// be a superuser ourselves is no reason to trust others: what the ledger holds is executed with our rights, and even a
// SELECT from a view runs its functions as us.
constexpr const char* strangers = R"sql(
SELECT pg_catalog.pg_get_userbyid(o.owner), o.object FROM (
  SELECT nspowner AS owner, 'schema' AS object, 0 AS rank FROM pg_catalog.pg_namespace WHERE nspname = '_tributary'
  UNION ALL
  SELECT c.relowner, 'relation ' || quote_ident(c.relname), 1 FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '_tributary'
) AS o JOIN pg_catalog.pg_roles r ON r.oid = o.owner
WHERE NOT r.rolsuper AND r.rolname <> current_user ORDER BY o.rank, o.object LIMIT 1)sql";

constexpr const char* foreign_objects = R"sql(
WITH space AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = '_tributary'),
own AS (SELECT c.oid FROM pg_catalog.pg_class c JOIN space s ON s.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relname = ANY ($1::text[]) AND EXISTS (SELECT FROM pg_catalog.pg_class k
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.oid AND a.attname = 'version'
    WHERE k.relnamespace = s.oid AND k.relname = 'control')),
object AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS class, c.oid, c.relname AS name, c.relkind <> 'c' AS is_relation
  FROM pg_catalog.pg_class c JOIN space s ON s.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.oid NOT IN (SELECT oid FROM own)
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.proname, false
  FROM pg_catalog.pg_proc p JOIN space s ON s.oid = p.pronamespace
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typname, false
  FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'r')
)
SELECT o.name, pg_catalog.pg_describe_object(o.class, o.oid, 0), o.is_relation FROM object o
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.class AND d.objid = o.oid
  AND (d.deptype = 'e' OR (d.deptype IN ('a', 'i') AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.refobjid IN (SELECT oid FROM own))))
ORDER BY 2)sql";

// Of all versions, read from what makes them.
std::vector<std::string> control_tables() {
  const std::string words = "CREATE TABLE _tributary.";
  std::vector<std::string> names;
  for (const std::string& sql : control_upgrades()) {
    for (std::size_t at = sql.find(words); at != std::string::npos; at = sql.find(words, at)) {
      at += words.size();
      names.push_back(sql.substr(at, sql.find_first_of(" (", at) - at));
    }
  }
  return names;
}

// Inside the caller's transaction. Whoever is about to begin a replication waits for the lock, and finds none then.
Result<void> drop_if_unused(Connection& target, const Until& until) {
  TRY(target.query_row(upgrade_lock, {}, until));
  TRY(target.execute("LOCK TABLE _tributary.replication IN ACCESS EXCLUSIVE MODE", until));
  const Rows used = TRY(target.query_row("SELECT EXISTS (SELECT FROM _tributary.replication)", {}, until));
  if (used.boolean(0, 0) || !TRY(read_foreign_control_objects(target, until)).empty()) return {};
  std::string tables;
  for (const std::string& name : control_tables()) tables += (tables.empty() ? "" : ", ") + ("_tributary." + name);
  TRY(target.execute("DROP TABLE " + tables + "; DROP SCHEMA _tributary", until));
  return {};
}

Result<void> require_own_schema(Connection& target, const Until& until) {
  const Rows foreign = TRY(target.query(strangers, until));
  if (foreign.size() == 0) return {};
  const std::string what = foreign.str(0, 1) == "schema" ? "" : ", " + foreign.str(0, 1);
  return Error{Fault::denied,
               "the control schema _tributary" + what + " belongs to role " + foreign.str(0, 0) +
                   ", whose statements would run with our rights",
               "connect as " + foreign.str(0, 0) +
                   " if it made this ledger, else have the schema dropped; only what belongs to the connecting role "
                   "or to a superuser is trusted"};
}

}  // namespace

const std::vector<std::string>& control_upgrades() {
  static const std::vector<std::string> upgrades{version_1, version_2, version_3, version_4, version_5,
                                                 version_6, version_7, version_8, version_9, version_10};
  return upgrades;
}

Error too_new(int version) {
  return Error{Fault::invalid,
               "the control schema _tributary has version " + std::to_string(version) +
                   ", made by a newer engine than this (" + std::to_string(control_version) + ")",
               "use an engine at least as new as the one that last wrote to this database"};
}

Result<std::optional<int>> read_control_version(Connection& target, const Until& until) {
  // Asked of the catalog itself: to_regclass() may answer from a cache that knows nothing of what another engine made
  // while this one waited for the lock.
  const Rows exists = TRY(target.query_row(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
      " WHERE n.nspname = '_tributary' AND c.relname = 'control')",
      {}, until));
  if (!exists.boolean(0, 0)) return std::optional<int>{};
  TRY(require_own_schema(target, until));
  const Rows version = TRY(target.query_row("SELECT version FROM _tributary.control", {}, until));
  return std::optional<int>{static_cast<int>(version.integer(0, 0))};
}

// A table is the ledger's where it bears the name of one and the ledger's first table is there; its sequences, indexes
// and row types go with it.
Result<std::vector<ForeignObject>> read_foreign_control_objects(Connection& source, const Until& until) {
  const Rows rows = TRY(source.query(foreign_objects, {array_literal(control_tables())}, until));
  std::vector<ForeignObject> objects;
  for (int row = 0; row < rows.size(); ++row)
    objects.push_back({rows.str(row, 0), rows.str(row, 1), rows.boolean(row, 2)});
  return objects;
}

Result<void> drop_unused_control_schema(Connection& target, const Until& until) {
  if (TRY(read_control_version(target, until)) != control_version) return {};
  TRY(target.execute("BEGIN", until));
  const Result<void> dropped = drop_if_unused(target, until);
  if (dropped) return target.execute("COMMIT", until);
  const bool is_refused = is_refusal(target.sqlstate());
  target.roll_back();
  return is_refused ? Result<void>{} : dropped;
}

Result<void> ensure_control_schema(Connection& target, const Until& until) {
  const std::optional<int> before = TRY(read_control_version(target, until));
  if (before == control_version) return {};
  if (before && *before > control_version) return too_new(*before);
  TRY(target.execute("BEGIN", until));
  TRY(target.query_row(upgrade_lock, {}, until));
  const std::optional<int> version = TRY(read_control_version(target, until));  // another engine may have been faster
  const Result<void> upgraded = upgrade(target, version.value_or(0), until);
  if (!upgraded) {
    target.roll_back();
    return within("creating the control schema _tributary", upgraded.error());
  }
  return target.execute("COMMIT", until);
}

}  // namespace tributary::postgres
