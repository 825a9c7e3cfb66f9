#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "engine/postgres/client/sql.h"
#include "engine/postgres/preflight/preflight_checks.h"

namespace tributary::postgres {
namespace {

using api::Severity;

constexpr int oldest_major = 12;
constexpr int newest_major = 18;

std::string version_text(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000);
}

// An end that does not answer, under the code that says what a person can do about it.
void report_failure(const char* end, const std::array<const char*, 4>& codes, const EndFacts& facts,
                    Findings& findings) {
  const Error& error = *facts.failure;
  const char* code = codes[0];
  if (error.fault == Fault::denied) code = codes[1];
  if (error.fault == Fault::missing) code = codes[2];
  if (error.fault == Fault::invalid) code = facts.pooled ? "PooledConnection" : codes[3];
  // The subject says which end it is.
  const std::string prefix = std::string(end) + ": ";
  const std::string what = error.what.starts_with(prefix) ? error.what.substr(prefix.size()) : error.what;
  add(findings, Severity::error, code, end, what, error.hint);
}

void report_reached(const char* end, const char* code, const EndFacts& facts, Findings& findings) {
  add(findings, Severity::ok, code, end,
      "PostgreSQL " + version_text(facts.server.version) + " answers as role " + facts.role.name);
}

void check_source_reachable(const Facts& facts, Findings& findings) {
  if (!facts.source.failure) return report_reached("source", "SourceReachable", facts.source, findings);
  report_failure("source", {"SourceUnreachable", "SourceAccessDenied", "SourceDatabaseMissing", "SourceMisconfigured"},
                 facts.source, findings);
}

void check_target_reachable(const Facts& facts, Findings& findings) {
  if (!facts.target.failure) return report_reached("target", "TargetReachable", facts.target, findings);
  report_failure("target", {"TargetUnreachable", "TargetAccessDenied", "TargetDatabaseMissing", "TargetMisconfigured"},
                 facts.target, findings);
}

void check_version(const char* end, const char* code, const EndFacts& facts, Findings& findings) {
  const int major = facts.server.major();
  if (facts.failure || (major >= oldest_major && major <= newest_major)) return;
  add(findings, Severity::error, code, end,
      "version " + std::to_string(major) + " is not supported, only " + std::to_string(oldest_major) + " to " +
          std::to_string(newest_major),
      major < oldest_major ? "upgrade the server" : "use a newer release of Tributary");
}

void check_versions(const Facts& facts, Findings& findings) {
  check_version("source", "SourceVersionUnsupported", facts.source, findings);
  check_version("target", "TargetVersionUnsupported", facts.target, findings);
  if (facts.source.failure || facts.target.failure) return;
  if (facts.target.server.major() >= facts.source.server.major()) return;
  const bool allowed = facts.options.allow_older_target;
  add(findings, allowed ? Severity::warning : Severity::error, "TargetOlder", "target",
      "version " + std::to_string(facts.target.server.major()) + " is older than the source's " +
          std::to_string(facts.source.server.major()) + ": what only the newer one knows cannot be created",
      allowed ? "" : "use a newer target, or allow an older one (--allow-older-target)");
}

void check_tools(const Facts& facts, Findings& findings) {
  if (facts.source.failure || !takes_snapshot(facts.mode)) return;
  const Result<PgTools> tools = choose_pg_tools(facts.tools, facts.source.server.major());
  if (tools) {
    add(findings, Severity::ok, "PgDumpFound", "engine", "pg_dump " + tools->version + " reads the source's schema");
  } else {
    add(findings, Severity::error, "PgDumpTooOld", "engine", tools.error().what, tools.error().hint);
  }
}

// Then the times when both were started tell them apart, and nothing a standby from its primary.
void check_identity(std::string_view end_name, const EndFacts& end, Findings& findings) {
  if (end.failure || !end.server.system_identifier.empty()) return;
  add(findings, Severity::warning, "ServerIdentityUnknown", std::string(end_name),
      "role " + end.role.name +
          " may not execute pg_control_system(): whether source and target are one server, or another server took the "
          "place of this one, is known less surely",
      "GRANT EXECUTE ON FUNCTION pg_control_system() TO " + quote_identifier(end.role.name));
}

void check_identities(const Facts& facts, Findings& findings) {
  check_identity("source", facts.source, findings);
  check_identity("target", facts.target, findings);
}

void check_same_database(const Facts& facts, Findings& findings) {
  if (facts.source.failure || facts.target.failure || !same_server(facts.source.server, facts.target.server)) return;
  const auto same = [&](const PairFacts& pair) {
    const bool same_id =
        pair.target.exists && pair.target.facts.id == pair.source.facts.id && pair.source.facts.id != 0;
    return same_id || pair.source_name == pair.target_name;
  };
  for (const PairFacts& pair : facts.pairs) {
    if (!same(pair)) continue;
    add(findings, Severity::error, "SameDatabase", database_subject(pair.source_name),
        "source and target are the same database of one server, or the target is a physical copy of the source",
        "name another server or another database as the target; nothing was changed");
  }
}

std::string replication_hint(const EndFacts& end) {
  if (end.provider == Provider::rds) return "GRANT rds_replication TO \"" + end.role.name + "\"";
  return "ALTER ROLE \"" + end.role.name + "\" REPLICATION";
}

void check_source_rights(const Facts& facts, Findings& findings) {
  if (facts.source.failure) return;
  const std::string role = "role " + facts.source.role.name;
  if (may_replicate(facts.source.role)) {
    add(findings, Severity::ok, "SourceRights", "source", role + " may stream changes");
    return;
  }
  add(findings, stream_severity(facts.mode), "ReplicationDenied", "source",
      role + " may not stream changes; a snapshot does not need it", replication_hint(facts.source));
}

void check_target_rights(const Facts& facts, Findings& findings) {
  const EndFacts& target = facts.target;
  if (target.failure) return;
  if (target.server.in_recovery) {
    add(findings, Severity::error, "TargetReadOnly", "target", "the server is a standby and takes no writes",
        "name the primary");
  } else if (!target.read_only_by.empty()) {
    add(findings, Severity::error, "TargetReadOnly", "target",
        "default_transaction_read_only is on, set for " + target.read_only_by,
        "take that setting back (ALTER ... RESET default_transaction_read_only), or name another target");
  }
  const SessionRole& role = target.role;
  std::string rights = role.superuser ? " is a superuser" : role.create_database ? " may create databases" : "";
  if (!rights.empty()) add(findings, Severity::ok, "TargetRights", "target", "role " + role.name + rights);
  const bool beside_others = facts.options.on_target_not_empty == api::OnTargetNotEmpty::append;
  const bool streams = stream_severity(facts.mode) == Severity::error;
  if (!target.may_set_replica_role && (beside_others || streams)) {
    add(findings, Severity::warning, "ReplicaRoleDenied", "target",
        "role " + role.name +
            " may not set session_replication_role: foreign keys of existing tables fire, and a followed table with"
            " triggers of users stops at its first change",
        "GRANT SET ON PARAMETER session_replication_role TO \"" + role.name + "\" (15 and newer)");
  }
}

void check_roles(const Facts& facts, Findings& findings) {
  if (facts.source.failure || facts.target.failure || !facts.options.roles || !takes_snapshot(facts.mode)) return;
  const SessionRole& role = facts.target.role;
  if (role.superuser || role.create_role) return;
  std::vector<std::string> missing;
  std::set_difference(facts.source.roles.begin(), facts.source.roles.end(), facts.target.roles.begin(),
                      facts.target.roles.end(), std::back_inserter(missing));
  if (missing.empty()) return;
  add(findings, Severity::warning, "CreateRoleDenied", "target",
      "role " + role.name + " may not create roles, and " + std::to_string(missing.size()) +
          " of the source are missing",
      "ALTER ROLE \"" + role.name + "\" CREATEROLE, or leave roles out (--no-roles)");
}

std::string wal_level_hint(Provider provider) {
  switch (provider) {
    case Provider::rds:
      return "set rds.logical_replication = 1 in the parameter group and reboot";
    case Provider::cloud_sql:
      return "set the flag cloudsql.logical_decoding = on";
    case Provider::alloydb:
      return "set the flag alloydb.logical_decoding = on";
    case Provider::neon:
      return "enable logical replication in the project's settings";
    case Provider::azure:
    case Provider::none:
      return "set wal_level = logical and restart the server";
  }
  return "";
}

void check_logical_decoding(const Facts& facts, Findings& findings) {
  if (facts.source.failure) return;
  const Server& server = facts.source.server;
  const Severity severity = stream_severity(facts.mode);
  if (server.wal_level != "logical") {
    add(findings, severity, "WalLevelNotLogical", "source",
        "wal_level is " + server.wal_level + ": changes cannot be streamed; a snapshot does not need it",
        wal_level_hint(facts.source.provider));
  }
  const auto check = [&](int used, int most, const char* code, const std::string& what, const std::string& parameter) {
    if (used < most) return;
    add(findings, severity, code, "source",
        "all " + std::to_string(most) + " " + what + " are in use; continuous sync needs one per database",
        "raise " + parameter + ", or remove what is no longer used");
  };
  check(server.used_replication_slots, server.max_replication_slots, "NoFreeReplicationSlot", "replication slots",
        "max_replication_slots");
  check(server.used_wal_senders, server.max_wal_senders, "NoFreeWalSender", "WAL senders", "max_wal_senders");
}

void check_standby(const Facts& facts, Findings& findings) {
  if (facts.source.failure || !facts.source.server.in_recovery) return;
  add(findings, Severity::warning, "SourceIsStandby", "source",
      "the server is a standby, which may cancel a long copy when it replays the primary's changes",
      "set hot_standby_feedback = on, or max_standby_streaming_delay = -1 while copying");
}

void check_connections(const Facts& facts, Findings& findings) {
  if (!takes_snapshot(facts.mode)) return;
  const int wanted = wanted_streams(facts);
  const ConnectionDemand* tightest = nullptr;
  const std::vector<ConnectionDemand> demands = connection_demands(facts);
  for (const ConnectionDemand& demand : demands) {
    const ConnectionBound& bound = demand.bound;
    const std::string needs = "a snapshot needs " + std::to_string(demand.least()) + " at least";
    if (bound.limit < demand.least()) {
      add(findings, Severity::error, "ConnectionLimitTooLow", demand.subject,
          bound.what + " allows " + counted(static_cast<std::uint64_t>(std::max(bound.limit, 0)), "session") +
              " of role " + (demand.subject == "source" ? facts.source : facts.target).role.name + ", and " + needs,
          "raise it to " + std::to_string(demand.least() + demand.comfort) + " or more");
    } else if (bound.left() < demand.least()) {
      add(findings, Severity::error, "NoFreeConnections", demand.subject,
          "of " + std::to_string(bound.limit) + " sessions that " + bound.what + " allows " +
              std::to_string(bound.used) + " are in use, and " + needs,
          "end sessions that are not needed, or raise the limit");
    } else if (tightest == nullptr || streams_for({demand}, wanted) < streams_for({*tightest}, wanted)) {
      tightest = &demand;
    }
  }
  if (tightest == nullptr || streams_for({*tightest}, wanted) >= wanted) return;
  add(findings, Severity::warning, "FewConnections", tightest->subject,
      tightest->bound.what + " leaves room for " +
          counted(static_cast<std::uint64_t>(streams_for({*tightest}, wanted)), "copy stream") + " instead of " +
          std::to_string(wanted),
      "raise it, or end sessions that are not needed, if the copy should be faster");
}

// What the table of locks of one end has to hold at once for one database.
struct LockDemand {
  const char* subject;
  std::uint64_t locks = 0;
  std::string what;
};

// The coordinator of a copy holds every selected table, pg_dump at the same time every table and sequence.
LockDemand locks_on_source(const PairFacts& pair) {
  return {"source", pair.source.tables.size() + pair.source.dumped,
          "locks are held at once while the schema of database " + pair.source_name +
              " is read: the copy's on every selected table, and pg_dump's on every table and sequence"};
}

// At most 200 schema steps share a transaction, and so do 200 tables that are dropped: one with a key and TOAST was
// counted to hold 8 locks. All partitions of a table are locked with it, by a foreign key and by each stream that
// writes to it.
LockDemand locks_on_target(const Facts& facts, const PairFacts& pair) {
  std::map<model::Name, std::uint64_t> partitions;
  for (const CatalogTable& table : pair.source.tables)
    if (!table.partition_of.empty()) ++partitions[table.partition_of.back()];
  LockDemand demand{"target", 10 * std::min<std::uint64_t>(pair.source.tables.size(), 200),
                    "locks are held at once while the schema of database " + pair.target_name + " is made or dropped"};
  const auto most = std::max_element(partitions.begin(), partitions.end(),
                                     [](const auto& one, const auto& other) { return one.second < other.second; });
  if (most == partitions.end()) return demand;
  demand.locks += most->second * static_cast<std::uint64_t>(wanted_streams(facts) + 1);
  demand.what +=
      " and its table " + display(most->first) + " is filled, which has " + counted(most->second, "partition");
  return demand;
}

// A server reckons with two holders for each object and adds a tenth (LockShmemSize in
// src/backend/storage/lmgr/lock.c); a thousand more fit into what the rest of its shared memory leaves. It has no more,
// and nobody else may then lock anything.
void judge_locks(const EndFacts& end, const LockDemand& demand, Findings& findings) {
  const std::uint64_t objects = end.locks.objects();
  if (objects == 0 || demand.locks <= objects) return;
  const bool refused = demand.locks > 2 * objects + objects / 5 + 1000;
  const std::string room =
      " = " + std::to_string(end.locks.per_transaction) + " makes room for about " + std::to_string(2 * objects);
  const std::uint64_t enough = (demand.locks + end.locks.transactions - 1) / end.locks.transactions;
  add(findings, refused ? Severity::error : Severity::warning, refused ? "LockTableTooSmall" : "LockTableCrowded",
      demand.subject,
      std::to_string(demand.locks) + " " + demand.what + "; max_locks_per_transaction" + room +
          (refused ? "" : ", which all sessions share, so some may fail with \"out of shared memory\""),
      "set max_locks_per_transaction = " + std::to_string(enough) + " or more and restart the server");
}

void check_locks(const Facts& facts, Findings& findings) {
  if (!takes_snapshot(facts.mode)) return;
  const auto judge_most = [&](const EndFacts& end, const auto& demand_of) {
    std::optional<LockDemand> most;
    for (const PairFacts& pair : facts.pairs) {
      if (end.failure || pair.source.failure) continue;
      LockDemand demand = demand_of(pair);
      if (!most || demand.locks > most->locks) most = std::move(demand);
    }
    if (most) judge_locks(end, *most, findings);
  };
  judge_most(facts.source, locks_on_source);
  judge_most(facts.target, [&](const PairFacts& pair) { return locks_on_target(facts, pair); });
}

void check_selection(const Facts& facts, Findings& findings) {
  if (facts.selection_failure) {
    add(findings, Severity::error, "SelectionInvalid", "selection", facts.selection_failure->what,
        facts.selection_failure->hint);
    return;
  }
  for (const auto& [name, named] : facts.closed) {
    add(findings, named ? Severity::error : Severity::warning, "DatabaseLeftOut", "database " + name,
        "it allows no connections, so nobody can copy it", "ALTER DATABASE ... ALLOW_CONNECTIONS true, or exclude it");
  }
  for (const pipeline::Unmatched& unmatched : facts.unmatched) findings.push_back(finding_of(unmatched));
  if (!facts.source.failure && facts.pairs.empty() && facts.unmatched.empty()) {
    add(findings, Severity::error, "NoDatabaseSelected", "selection", "no database of the source is selected",
        "include a database by its name");
  }
}

constexpr std::array<Check, 14> all_checks = {{{"source reachable", check_source_reachable},
                                               {"target reachable", check_target_reachable},
                                               {"versions", check_versions},
                                               {"pg_dump", check_tools},
                                               {"identities", check_identities},
                                               {"same database", check_same_database},
                                               {"source rights", check_source_rights},
                                               {"target rights", check_target_rights},
                                               {"roles", check_roles},
                                               {"logical decoding", check_logical_decoding},
                                               {"standby", check_standby},
                                               {"connections", check_connections},
                                               {"locks", check_locks},
                                               {"selection", check_selection}}};

}  // namespace

std::span<const Check> server_checks() {
  return all_checks;
}

}  // namespace tributary::postgres
