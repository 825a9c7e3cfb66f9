#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "engine/postgres/preflight/preflight_checks.h"

// Facts of a replication that nothing speaks against, for tests that change one of them.
namespace tributary::postgres {

inline EndFacts good_end(const std::string& system, const std::string& role) {
  EndFacts end;
  end.given_database = "app";
  end.server.version = 170006;
  end.server.system_identifier = system;
  end.server.start_time = system;
  end.server.wal_level = "logical";
  end.server.max_replication_slots = 10;
  end.server.max_wal_senders = 10;
  end.connections.server = {{"max_connections", 100, 10}};
  end.locks = {64, 146};
  end.role.name = role;
  end.role.superuser = true;
  end.current.name = "app";
  end.extensions["hstore"] = {"1.8", {{"1.8", true}}};
  end.extensions["postgis"] = {"3.5", {{"3.5", false}}};
  end.extensions["pg_cron"] = {"1.6", {{"1.6", false}}};
  end.extensions["pg_stat_statements"] = {"1.11", {{"1.11", false}}};
  end.locales = {"C", "en_US.utf8"};
  end.may_set_replica_role = true;
  return end;
}

inline CatalogTable good_table(const std::string& name) {
  CatalogTable table;
  table.table.name = {"public", name};
  table.has_usable_identity = true;
  return table;
}

inline Database utf8(std::uint32_t id) {
  Database database;
  database.id = id;
  database.name = "app";
  database.encoding = "UTF8";
  database.locale_provider = 'c';
  database.collate = database.ctype = "en_US.UTF-8";
  return database;
}

// A replication that nothing speaks against: into an existing empty database.
inline Facts good() {
  Facts facts;
  facts.source = good_end("1", "reader");
  facts.target = good_end("2", "writer");
  facts.tools = {{"/bin/pg_dump", 18, "18.1"}};
  PairFacts pair;
  pair.source_name = pair.target_name = "app";
  pair.source.facts = utf8(16384);
  pair.source.tables = {good_table("orders"), good_table("items")};
  pair.target.exists = true;
  pair.target.facts = utf8(16385);
  pair.target.owned = pair.target.may_create = true;
  facts.pairs = {pair};
  return facts;
}

inline std::vector<std::string> codes(const Facts& facts, api::Severity severity) {
  std::vector<std::string> found;
  for (const api::Finding& finding : judge(facts)) {
    if (finding.severity == severity) found.push_back(finding.code);
  }
  return found;
}

inline PairFacts& pair(Facts& facts) {
  return facts.pairs[0];
}

inline void unprivileged(SessionRole& role) {
  role.superuser = false;
}

inline std::string text(const Facts& facts, const std::string& code) {
  for (const api::Finding& finding : judge(facts)) {
    if (finding.code == code) return finding.subject + ": " + finding.message + "; " + finding.hint;
  }
  return "no " + code;
}

struct Case {
  std::string name;
  std::function<void(Facts&)> change;
  std::string code;
  api::Severity severity = api::Severity::error;
};

inline void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

// Exactly this finding besides those of a good replication: no check answers for another's subject.
inline void expect_only(const Case& one) {
  Facts facts = good();
  one.change(facts);
  std::vector<std::string> found;
  for (const api::Finding& finding : judge(facts)) {
    const bool expected = finding.code == one.code && finding.severity == one.severity;
    if (expected || finding.severity != api::Severity::ok) found.push_back(finding.code);
    EXPECT_FALSE(finding.subject.empty());
    EXPECT_FALSE(finding.message.empty());
  }
  EXPECT_THAT(found, ::testing::ElementsAre(one.code));
}

}  // namespace tributary::postgres
