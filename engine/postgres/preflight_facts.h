#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/api/spec.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/selection.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/pg_tools.h"

// All that `validate` knows about both ends, as plain values: gathered by a thin shell, judged by preflight_checks.h.
namespace tributary::postgres {

// Who runs a server, told by the roles that only its service has: rights have other names there.
enum class Provider { none, rds, cloud_sql, azure, neon };

struct Role {
  std::string name;
  bool superuser = false;
  bool replication = false;
  bool create_database = false;
  bool create_role = false;
  int connection_limit = -1;          // -1: none
  std::set<std::string> memberships;  // among the roles that a provider gives rights by ("rds_replication", ...)
};

struct AvailableExtension {
  std::string default_version;
  std::map<std::string, bool> versions;  // and whether a role without superuser may create it (trusted)
};

struct EndFacts {
  std::optional<Error> failure;  // it could not be reached or asked: nothing below is known then
  std::string host;
  std::string given_database;  // the one that the endpoint names; "" where it names none
  Server server;
  Role role;
  Provider provider = Provider::none;
  Database current;
  std::vector<Database> databases;
  int used_connections = 0;
  std::set<std::string> roles;  // all that are neither predefined nor a provider's
  // Of the target only:
  std::map<std::string, AvailableExtension> extensions;
  std::set<std::string> locales;  // LC_COLLATE values that the server is known to have
  bool may_set_replica_role = false;
};

struct SourceDatabase {
  std::optional<Error> failure;
  Database facts;
  std::vector<CatalogTable> tables;  // the selected ones
  std::vector<Extension> extensions;
  std::vector<model::Name> unreadable_sequences;  // of what is selected
  std::uint64_t foreign_tables = 0;
  std::uint64_t large_objects = 0;
  std::uint64_t unreadable_large_objects = 0;
};

struct TargetDatabase {
  bool exists = false;
  std::optional<Error> failure;
  Database facts;
  bool owned = false;                    // by the role or one that it is a member of
  bool may_create = false;               // schemas
  std::set<std::string> closed_schemas;  // in which the role may not create
  std::vector<Extension> extensions;
  bool ours = false;                 // the ledger knows this replication: it decides what is in the way
  std::vector<std::string> objects;  // of users: "table public.orders"; the first few
  std::vector<model::Name> filled;   // selected tables that hold rows; unknown where it is ours
};

struct PairFacts {
  std::string source_name;
  std::string target_name;
  bool whole = true;  // every table is selected
  SourceDatabase source;
  TargetDatabase target;
};

struct Facts {
  api::Mode mode = api::Mode::snapshot;
  api::SnapshotOptions options;
  std::optional<Error> selection_failure;  // nothing below `target` is known then
  EndFacts source;
  EndFacts target;
  std::vector<PairFacts> pairs;  // by source_name
  std::vector<pipeline::Unmatched> unmatched;
  std::vector<PgTools> tools;
};

// Looks at both ends and changes nothing. Fails only when it was stopped or its time is over.
Result<Facts> gather_facts(const api::Spec& spec, const Until& until);

}  // namespace tributary::postgres
