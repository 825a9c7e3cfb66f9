#include "engine/postgres/preflight/preflight_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/testing/preflight_example.h"

namespace tributary::postgres {
namespace {

using api::Severity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Text that is hashed in the same encoding lies where it lay.
TEST(PartitionsOfText, may_be_selected_in_part_where_the_encoding_stays) {
  Facts facts = good();
  pair(facts).source.tables[0].partition_of = {{"public", "p"}};
  pair(facts).source.partition_choices = {{{"public", "p"}, Holds::in_its_encoding}};
  pair(facts).source.unselected_partitions = {good_table("other")};
  pair(facts).source.unselected_partitions[0].partition_of = {{"public", "p"}};
  EXPECT_EQ(text(facts, "PartitionsLeftOut"), "no PartitionsLeftOut");
  pair(facts).source.facts.encoding = "LATIN1";
  EXPECT_NE(text(facts, "PartitionsLeftOut"), "no PartitionsLeftOut");
}

TEST(Preflight, nothing_speaks_against_a_good_replication) {
  EXPECT_THAT(codes(good(), Severity::error), IsEmpty());
  EXPECT_THAT(codes(good(), Severity::warning), IsEmpty());
  EXPECT_THAT(codes(good(), Severity::ok),
              ElementsAre("SourceReachable", "TargetReachable", "PgDumpFound", "SourceRights", "TargetRights"));
}

const std::vector<Case> cases = {
    {"source_down",
     [](Facts& f) {
       f.source.failure = Error{Fault::transient, "timeout"};
       f.pairs.clear();
     },
     "SourceUnreachable"},
    {"source_password",
     [](Facts& f) {
       f.source.failure = Error{Fault::denied, "no"};
       f.pairs.clear();
     },
     "SourceAccessDenied"},
    {"source_secret",
     [](Facts& f) {
       f.source.failure = Error{Fault::invalid, "no"};
       f.pairs.clear();
     },
     "SourceMisconfigured"},
    {"source_database",
     [](Facts& f) {
       f.source.failure = Error{Fault::missing, "no"};
       f.pairs.clear();
     },
     "SourceDatabaseMissing"},
    {"target_down",
     [](Facts& f) {
       f.target.failure = Error{Fault::transient, "timeout"};
     },
     "TargetUnreachable"},
    {"target_password",
     [](Facts& f) {
       f.target.failure = Error{Fault::denied, "no"};
     },
     "TargetAccessDenied"},
    {"source_11", [](Facts& f) { f.source.server.version = 110022; }, "SourceVersionUnsupported"},
    {"target_19", [](Facts& f) { f.target.server.version = 190000; }, "TargetVersionUnsupported"},
    {"older_target", [](Facts& f) { f.target.server.version = 160010; }, "TargetOlder"},
    {"older_target_allowed",
     [](Facts& f) {
       f.target.server.version = 160010;
       f.options.allow_older_target = true;
     },
     "TargetOlder", Severity::warning},
    {"old_pg_dump", [](Facts& f) { f.tools[0].major = 16; }, "PgDumpTooOld"},
    {"no_pg_dump", [](Facts& f) { f.tools.clear(); }, "PgDumpTooOld"},
    {"unknown_identity_of_source", [](Facts& f) { f.source.server.system_identifier.clear(); }, "ServerIdentityUnknown",
     Severity::warning},
    {"unknown_identity_of_target", [](Facts& f) { f.target.server.system_identifier.clear(); }, "ServerIdentityUnknown",
     Severity::warning},
    {"same_database",
     [](Facts& f) {
       f.target.server.system_identifier = "1";
       pair(f).target.facts.id = 16384;
     },
     "SameDatabase"},
    {"same_name_on_a_clone", [](Facts& f) { f.target.server.system_identifier = "1"; }, "SameDatabase"},
    {"locks",
     [](Facts& f) {
       pair(f).source.unlockable = {{"public", "others"}};
     },
     "SelectDenied"},
    {"pooled_source",
     [](Facts& f) {
       f.source.failure = Error{Fault::invalid, "pooled"};
       f.source.pooled = true;
       f.pairs.clear();
     },
     "PooledConnection"},
    {"pooled_target",
     [](Facts& f) {
       f.target.failure = Error{Fault::invalid, "pooled"};
       f.target.pooled = true;
     },
     "PooledConnection"},
    {"no_replication", [](Facts& f) { unprivileged(f.source.role); }, "ReplicationDenied", Severity::warning},
    {"no_replication_for_sync",
     [](Facts& f) {
       unprivileged(f.source.role);
       f.mode = api::Mode::snapshot_and_sync;
     },
     "ReplicationDenied"},
    {"wal_level", [](Facts& f) { f.source.server.wal_level = "replica"; }, "WalLevelNotLogical", Severity::warning},
    {"wal_level_for_sync",
     [](Facts& f) {
       f.source.server.wal_level = "replica";
       f.mode = api::Mode::sync;
     },
     "WalLevelNotLogical"},
    {"slots", [](Facts& f) { f.source.server.used_replication_slots = 10; }, "NoFreeReplicationSlot",
     Severity::warning},
    {"senders", [](Facts& f) { f.source.server.used_wal_senders = 10; }, "NoFreeWalSender", Severity::warning},
    {"standby_source", [](Facts& f) { f.source.server.in_recovery = true; }, "SourceIsStandby", Severity::warning},
    {"standby_target", [](Facts& f) { f.target.server.in_recovery = true; }, "TargetReadOnly"},
    {"few_connections", [](Facts& f) { f.target.connections.server[0].used = 97; }, "FewConnections",
     Severity::warning},
    {"fewer_connections_than_asked_for",
     [](Facts& f) {
       f.options.parallelism = 64;
       f.source.connections.server[0].used = 50;
     },
     "FewConnections", Severity::warning},
    {"no_connections", [](Facts& f) { f.target.connections.server[0].used = 99; }, "NoFreeConnections"},
    {"connection_limit",
     [](Facts& f) {
       f.source.connections.server.push_back({"the CONNECTION LIMIT of role reader", 1, 0});
     },
     "ConnectionLimitTooLow"},
    {"connection_limit_of_the_database",
     [](Facts& f) {
       f.target.connections.databases["app"] = {"the CONNECTION LIMIT of database app", 1, 0};
     },
     "ConnectionLimitTooLow"},
    {"connection_limit_with_large_objects",
     [](Facts& f) {
       pair(f).source.large_objects = 1;
       f.source.connections.server.push_back({"the CONNECTION LIMIT of role reader", 2, 0});
       f.mode = api::Mode::snapshot;
     },
     "ConnectionLimitTooLow"},
    {"read_only_target", [](Facts& f) { f.target.read_only_by = "role r"; }, "TargetReadOnly"},
    {"read_only_database", [](Facts& f) { pair(f).target.read_only_by = "role r"; }, "TargetReadOnly"},
    {"read_only_target_of_a_stream",
     [](Facts& f) {
       f.target.read_only_by = "role r";
       f.mode = api::Mode::sync;
     },
     "TargetReadOnly"},
    {"read_only_database_of_a_stream",
     [](Facts& f) {
       pair(f).target.read_only_by = "role r";
       f.mode = api::Mode::sync;
     },
     "TargetReadOnly"},
    {"read_only_once", [](Facts& f) { f.target.read_only_by = pair(f).target.read_only_by = "role r"; },
     "TargetReadOnly"},
    {"roles",
     [](Facts& f) {
       unprivileged(f.target.role);
       f.source.roles = {"app"};
     },
     "CreateRoleDenied", Severity::warning},
    {"replica_role",
     [](Facts& f) {
       f.target.may_set_replica_role = false;
       f.options.on_target_not_empty = api::OnTargetNotEmpty::append;
     },
     "ReplicaRoleDenied", Severity::warning},
    {"selection",
     [](Facts& f) {
       f.selection_failure = Error{Fault::invalid, "no"};
       f.pairs.clear();
     },
     "SelectionInvalid"},
    {"unmatched",
     [](Facts& f) {
       f.unmatched = {{"includeTables", "app.x", {}}};
     },
     "SelectionMatchesNothing"},
    {"closed",
     [](Facts& f) {
       f.closed = {{"archive", false}};
     },
     "DatabaseLeftOut", Severity::warning},
    {"closed_and_asked_for",
     [](Facts& f) {
       f.closed = {{"archive", true}};
     },
     "DatabaseLeftOut"},
    {"nothing_selected", [](Facts& f) { f.pairs.clear(); }, "NoDatabaseSelected"},
    {"source_database_unreadable",
     [](Facts& f) {
       pair(f).source.failure = Error{Fault::denied, "no"};
     },
     "SourceDatabaseUnreadable"},
    {"target_database_unreadable",
     [](Facts& f) {
       pair(f).target.failure = Error{Fault::denied, "no"};
     },
     "TargetDatabaseUnreadable"},
    {"select", [](Facts& f) { pair(f).source.tables[0].may_select = false; }, "SelectDenied"},
    {"sequence",
     [](Facts& f) {
       pair(f).source.unreadable_sequences = {{"public", "s"}};
     },
     "SequenceDenied"},
    {"row_security", [](Facts& f) { pair(f).source.tables[0].row_security = true; }, "RowSecurityHidesRows"},
    {"large_objects_left_out",
     [](Facts& f) {
       pair(f).source.large_objects = 3;
       f.options.large_objects = false;
     },
     "LargeObjectsLeftOut", Severity::warning},
    {"large_objects_denied",
     [](Facts& f) {
       pair(f).source.large_objects = 3;
       pair(f).source.unreadable_large_objects = 1;
     },
     "LargeObjectsDenied"},
    {"large_objects", [](Facts& f) { pair(f).source.large_objects = 3; }, "LargeObjects", Severity::ok},
    {"large_objects_beside_a_selection",
     [](Facts& f) {
       pair(f).whole = false;
       pair(f).source.large_objects = 3;
     },
     "LargeObjectsLeftOut", Severity::warning},
    {"large_objects_of_a_selection",
     [](Facts& f) {
       pair(f).whole = false;
       pair(f).source.large_objects = 3;
       pair(f).source.large_object_tables = {{"public", "orders"}};
     },
     "LargeObjects", Severity::warning},
    {"no_identity",
     [](Facts& f) {
       pair(f).source.tables[0].has_usable_identity = false;
       f.mode = api::Mode::validate;
     },
     "NoReplicaIdentity", Severity::warning},
    {"no_identity_snapshot", [](Facts& f) { pair(f).source.tables[0].has_usable_identity = false; },
     "NoReplicaIdentity", Severity::ok},
    {"unlogged",
     [](Facts& f) {
       pair(f).source.tables[0].table.unlogged = true;
       f.mode = api::Mode::validate;
     },
     "UnloggedTables", Severity::warning},
    {"foreign_tables", [](Facts& f) { pair(f).source.foreign_tables = 1; }, "ForeignTables", Severity::warning},
    {"control_schema", [](Facts& f) { pair(f).source.control_objects = {"table _tributary.mine"}; },
     "ControlSchemaTaken"},
    {"partition_left_out",
     [](Facts& f) {
       pair(f).source.tables[0].partition_of = {{"public", "p"}};
       pair(f).source.partition_choices = {{{"public", "p"}, Holds::nowhere_else}};
       pair(f).source.unselected_partitions = {good_table("other")};
       pair(f).source.unselected_partitions[0].partition_of = {{"public", "p"}};
     },
     "PartitionsLeftOut"},
    {"foreign_partition",
     [](Facts& f) {
       pair(f).source.tables[0].partition_of = {{"public", "p"}};
       pair(f).source.partition_choices = {{{"public", "p"}, Holds::nowhere_else}};
       pair(f).source.above_foreign = {{"public", "p"}};
     },
     "ForeignPartition"},
    {"collation_version",
     [](Facts& f) {
       pair(f).source.facts.collation_version = "2.31";
       pair(f).source.facts.actual_collation_version = "2.36";
     },
     "CollationVersionMismatch", Severity::warning},
    {"missing_database",
     [](Facts& f) {
       pair(f).target.exists = false;
       f.options.create_database = false;
     },
     "TargetDatabaseMissing"},
    {"create_database",
     [](Facts& f) {
       pair(f).target.exists = false;
       unprivileged(f.target.role);
     },
     "CreateDatabaseDenied"},
    {"drop_database",
     [](Facts& f) {
       unprivileged(f.target.role);
       f.options.on_target_not_empty = api::OnTargetNotEmpty::drop;
     },
     "DropDatabaseDenied"},
    {"create_schema",
     [](Facts& f) {
       unprivileged(f.target.role);
       pair(f).target.may_create = false;
     },
     "TargetCreateDenied"},
    {"closed_schema",
     [](Facts& f) {
       unprivileged(f.target.role);
       pair(f).target.closed_schemas = {"public"};
     },
     "TargetSchemaDenied"},
    {"not_empty", [](Facts& f) { pair(f).target.objects = {"table public.x"}; }, "TargetNotEmpty"},
    {"table_not_empty",
     [](Facts& f) {
       pair(f).target.filled = {{"public", "orders"}};
       f.options.on_target_not_empty = api::OnTargetNotEmpty::append;
     },
     "TargetTableNotEmpty"},
    {"encoding_unknown", [](Facts& f) { pair(f).source.facts.encoding = "SQL_ASCII"; }, "EncodingUnknown",
     Severity::warning},
    {"encoding_converted", [](Facts& f) { pair(f).source.facts.encoding = "LATIN1"; }, "EncodingConverted",
     Severity::warning},
    {"encoding_differs", [](Facts& f) { pair(f).target.facts.encoding = "LATIN1"; }, "EncodingDiffers"},
    {"collation_differs", [](Facts& f) { pair(f).target.facts.collate = "C"; }, "CollationDiffers", Severity::warning},
    {"provider_differs", [](Facts& f) { pair(f).target.facts.locale_provider = 'i'; }, "CollationDiffers",
     Severity::warning},
    {"locale_missing",
     [](Facts& f) {
       pair(f).target.exists = false;
       pair(f).source.facts.collate = "de_DE.utf8";
     },
     "LocaleMissing", Severity::warning},
    {"extension_missing",
     [](Facts& f) {
       pair(f).source.extensions = {{"vector", "0.8", "public"}};
     },
     "ExtensionMissing"},
    {"extension_missing_in_part",
     [](Facts& f) {
       pair(f).source.extensions = {{"vector", "0.8", "public"}};
       pair(f).whole = false;
     },
     "ExtensionMissing", Severity::warning},
    {"extension_version",
     [](Facts& f) {
       pair(f).source.extensions = {{"hstore", "1.7", "public"}};
     },
     "ExtensionVersionDiffers", Severity::warning},
    {"extension_installed_version",
     [](Facts& f) {
       pair(f).source.extensions = {{"hstore", "1.8", "public"}};
       pair(f).target.extensions = {{"hstore", "1.4", "public"}};
     },
     "ExtensionVersionDiffers", Severity::warning},
    {"extension_denied",
     [](Facts& f) {
       unprivileged(f.target.role);
       pair(f).source.extensions = {{"postgis", "3.5", "public"}};
     },
     "ExtensionDenied"},
    {"extension_must_be_preloaded",
     [](Facts& f) {
       pair(f).source.extensions = {{"pg_cron", "1.6", "public"}};
     },
     "ExtensionNotPreloaded"},
    {"extension_should_be_preloaded",
     [](Facts& f) {
       pair(f).source.extensions = {{"pg_stat_statements", "1.11", "public"}};
       f.target.server.shared_preload_libraries = "pg_stat_statements2";
     },
     "ExtensionNotPreloaded", Severity::warning},
};

class PreflightCheck : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Cases, PreflightCheck, ::testing::ValuesIn(cases),
                         [](const auto& one) { return one.param.name; });

TEST_P(PreflightCheck, finds_its_subject_and_nothing_else) {
  expect_only(GetParam());
}

TEST(Preflight, a_failing_source_does_not_hide_the_targets_findings) {
  Facts facts = good();
  facts.source.failure = Error{Fault::transient, "no route"};
  facts.target.server.in_recovery = true;
  facts.target.server.version = 110022;
  facts.pairs.clear();
  EXPECT_THAT(codes(facts, Severity::error),
              ElementsAre("SourceUnreachable", "TargetVersionUnsupported", "TargetReadOnly"));
}

TEST(Preflight, servers_without_an_identity_are_told_apart_by_the_time_of_their_start) {
  Facts facts = good();
  facts.source.server.system_identifier.clear();
  EXPECT_THAT(codes(facts, Severity::error), IsEmpty());
  facts.target.server.start_time = facts.source.server.start_time;
  EXPECT_THAT(codes(facts, Severity::error), ElementsAre("SameDatabase"));
  EXPECT_THAT(codes(facts, Severity::warning), ElementsAre("ServerIdentityUnknown"));
}

TEST(Preflight, rights_of_providers_count) {
  SessionRole role;
  EXPECT_FALSE(may_replicate(role));
  EXPECT_FALSE(is_administrator(role));
  role.memberships = {"rds_replication"};
  EXPECT_TRUE(may_replicate(role));
  EXPECT_FALSE(is_administrator(role));
  for (const char* administrator : {"rds_superuser", "cloudsqlsuperuser", "azure_pg_admin", "neon_superuser"}) {
    role.memberships = {administrator};
    EXPECT_TRUE(is_administrator(role)) << administrator;
  }
}

TEST(Preflight, a_hint_speaks_the_providers_language) {
  Facts facts = good();
  facts.source.provider = Provider::rds;
  facts.source.role.superuser = false;
  facts.source.server.wal_level = "replica";
  std::string hints;
  for (const api::Finding& finding : judge(facts)) hints += finding.hint + "\n";
  EXPECT_THAT(hints, HasSubstr("GRANT rds_replication TO \"reader\""));
  EXPECT_THAT(hints, HasSubstr("rds.logical_replication"));
}

TEST(Preflight, one_server_at_both_ends_gives_its_connections_once) {
  Facts facts = good();
  facts.target.server.system_identifier = "1";
  pair(facts).target_name = "copy";
  for (EndFacts* end : {&facts.source, &facts.target}) end->connections.server = {{"max_connections", 9, 2}};
  facts.options.parallelism = 4;
  EXPECT_EQ(streams_for(connection_demands(facts), 4), 2);
  EXPECT_THAT(codes(facts, Severity::warning), ElementsAre("FewConnections"));
  for (EndFacts* end : {&facts.source, &facts.target}) end->connections.server = {{"max_connections", 9, 6}};
  EXPECT_THAT(codes(facts, Severity::error), ElementsAre("NoFreeConnections"));
}

TEST(Preflight, preloaded_libraries_are_found_however_they_are_spelt) {
  Facts facts = good();
  pair(facts).source.extensions = {{"pg_cron", "1.6", "public"}};
  for (const char* libraries : {"pg_cron", "a,pg_cron", "a, \"pg_cron\" , b", "$libdir/pg_cron,c"}) {
    facts.target.server.shared_preload_libraries = libraries;
    EXPECT_THAT(codes(facts, Severity::error), IsEmpty()) << libraries;
  }
}

TEST(Preflight, long_lists_are_cut_and_counted) {
  Facts facts = good();
  for (int i = 0; i < 10; ++i) pair(facts).source.tables.push_back(good_table("t" + std::to_string(i)));
  for (CatalogTable& table : pair(facts).source.tables) table.may_select = false;
  EXPECT_THAT(
      judge(facts).at(0).message,
      HasSubstr("may not read 12 tables (public.orders, public.items, public.t0, public.t1, public.t2 and 7 more)"));
}

TEST(Preflight, errors_come_first) {
  Facts facts = good();
  facts.source.server.wal_level = "replica";
  pair(facts).target.objects = {"table public.x"};
  const Findings findings = judge(facts);
  EXPECT_EQ(findings.at(0).code, "TargetNotEmpty");
  EXPECT_EQ(findings.at(1).code, "WalLevelNotLogical");
  EXPECT_EQ(findings.at(2).severity, Severity::ok);
}

}  // namespace
}  // namespace tributary::postgres
