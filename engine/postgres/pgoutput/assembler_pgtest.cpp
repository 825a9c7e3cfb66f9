#include "engine/postgres/pgoutput/assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/postgres/pgoutput/testing/told.h"
#include "engine/testing/postgres_server.h"

// What real servers write, read by way of their SQL interface to logical decoding.
namespace tributary::postgres::pgoutput {
namespace {

using testbed::Database;
using testbed::PostgresServer;
using testing::ElementsAre;
using Messages = std::vector<std::string>;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  }
  return bytes;
}

class AServer : public testing::TestWithParam<int> {
 protected:
  AServer() : server(testbed::server(GetParam())), database(server.create_database("pgoutput")) {
    database.exec("CREATE PUBLICATION p FOR ALL TABLES");
  }
  void TearDown() override {
    database.exec(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()");
  }

  void begin_slot() const { database.exec("SELECT pg_create_logical_replication_slot('" + slot() + "', 'pgoutput')"); }
  std::string slot() const { return "slot_of_" + database.name(); }

  Messages messages(const std::string& options) const {
    Messages all;
    for (const testbed::Row& row :
         database.query("SELECT encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('" + slot() +
                        "', NULL, NULL, 'publication_names', 'p', " + options + ")")) {
      all.push_back(from_hex(row.at(0).value()));
    }
    return all;
  }

  // Without the lines of begin and commit, whose positions are the server's.
  Messages changes(const Messages& messages, std::size_t byte_limit = 1 << 20) const {
    Assembler assembler(Spool(testing::TempDir(), 100'000));
    Messages told = wire::assembled(assembler, messages, byte_limit);
    std::erase_if(told,
                  [](const std::string& one) { return one.rfind("begin ", 0) == 0 || one.rfind("commit ", 0) == 0; });
    return told;
  }

  static bool has(const Messages& messages, char letter) {
    return std::any_of(messages.begin(), messages.end(),
                       [letter](const std::string& message) { return message.front() == letter; });
  }

  PostgresServer& server;
  Database database;
};

class AnyServer : public AServer {};
INSTANTIATE_TEST_SUITE_P(, AnyServer, testing::Values(12, 13, 15, 17, 18));

TEST_P(AnyServer, is_understood) {
  database.exec(R"(
      CREATE SCHEMA "Odd";
      CREATE TYPE "Odd".mood AS ENUM ('well', 'ill');
      CREATE TABLE plain (id int PRIMARY KEY, note text, large text);
      ALTER TABLE plain ALTER COLUMN large SET STORAGE EXTERNAL;
      CREATE TABLE "Odd"."Whole" (a int, m "Odd".mood);
      ALTER TABLE "Odd"."Whole" REPLICA IDENTITY FULL;
      CREATE TABLE fine (id int NOT NULL, made int GENERATED ALWAYS AS (id * 2) STORED);
      CREATE UNIQUE INDEX by_id ON fine (id);
      ALTER TABLE fine REPLICA IDENTITY USING INDEX by_id)");
  begin_slot();
  database.exec(R"(
      BEGIN;
      INSERT INTO plain VALUES (1, NULL, repeat('x', 5000)), (2, '', 'short');
      UPDATE plain SET note = 'changed' WHERE id = 1;
      UPDATE plain SET id = 3 WHERE id = 2;
      SAVEPOINT undone;
      DELETE FROM plain;
      ROLLBACK TO undone;
      DELETE FROM plain WHERE id = 1;
      COMMIT;
      INSERT INTO "Odd"."Whole" VALUES (1, 'well'), (1, 'well');
      UPDATE "Odd"."Whole" SET m = NULL WHERE a = 1;
      DELETE FROM "Odd"."Whole";
      INSERT INTO fine VALUES (1);
      DELETE FROM fine;
      ALTER TABLE plain ADD COLUMN more int DEFAULT 5;
      INSERT INTO plain VALUES (4);
      TRUNCATE plain, fine RESTART IDENTITY CASCADE)");
  const Messages told = changes(messages("'proto_version', '1'"));
  EXPECT_THAT(
      told,
      ElementsAre("insert public.plain (1,null," + std::string(5000, 'x') + ")", "insert public.plain (2,,short)",
                  "update public.plain (1,changed,unchanged)", "update public.plain key (2,null,null) (3,,short)",
                  "delete public.plain key (1,null,null)",  //
                  "insert \"Odd\".\"Whole\" (1,well)", "insert \"Odd\".\"Whole\" (1,well)",
                  "update \"Odd\".\"Whole\" whole (1,well) (1,null)",
                  "update \"Odd\".\"Whole\" whole (1,well) (1,null)", "delete \"Odd\".\"Whole\" whole (1,null)",
                  "delete \"Odd\".\"Whole\" whole (1,null)", "insert public.fine (1)", "delete public.fine key (1)",
                  "insert public.plain (4,null,null,5)", "truncate public.plain public.fine cascade restart"));
}

class AStreamingServer : public AServer {
 protected:
  AStreamingServer() { database.exec("ALTER DATABASE " + database.name() + " SET logical_decoding_work_mem = '64kB'"); }
  Messages streamed() const { return messages("'proto_version', '2', 'streaming', 'on', 'messages', 'true'"); }
  Messages whole() const { return messages("'proto_version', '1'"); }
};
INSTANTIATE_TEST_SUITE_P(, AStreamingServer, testing::Values(14, 15, 16, 17, 18));

// Every second block is undone, and each of those makes the server describe the table anew.
TEST_P(AStreamingServer, streams_subtransactions_that_are_undone) {
  database.exec("CREATE TABLE t (id int PRIMARY KEY, note text)");
  begin_slot();
  database.exec(R"(
      DO $$ BEGIN
        PERFORM pg_logical_emit_message(true, 'prefix', 'content');
        FOR block IN 1..40 LOOP
          INSERT INTO t VALUES (block * 1000, 'outside');
          BEGIN
            INSERT INTO t SELECT block * 1000 + i, repeat('x', 20) FROM generate_series(1, 400) i;
            IF block % 2 = 0 THEN RAISE division_by_zero; END IF;
          EXCEPTION WHEN division_by_zero THEN NULL;
          END;
        END LOOP;
      END $$)");
  const Messages all = streamed();
  EXPECT_TRUE(has(all, 'S') && has(all, 'A') && has(all, 'c') && has(all, 'M') && !has(all, 'B'));
  Messages expected;
  for (const testbed::Row& row : database.query("SELECT id, note FROM t ORDER BY id")) {
    expected.push_back("insert public.t (" + *row[0] + "," + *row[1] + ")");
  }
  EXPECT_EQ(expected.size(), 40u + 20 * 400);
  EXPECT_EQ(changes(all, 5000), expected);
}

TEST_P(AStreamingServer, streams_transactions_in_turns) {
  database.exec("CREATE TABLE t (id serial PRIMARY KEY, who text, note text)");
  begin_slot();
  testbed::Session one(database.uri());
  testbed::Session two(database.uri());
  testbed::Session lost(database.uri());
  for (testbed::Session* session : {&one, &two, &lost}) session->exec("BEGIN");
  for (int round = 0; round < 3; ++round) {
    const std::string rows = "INSERT INTO t (who, note) SELECT 'who', repeat('x', 30) FROM generate_series(1, 700)";
    one.exec(rows);
    one.exec("SAVEPOINT a; DELETE FROM t; SAVEPOINT b; UPDATE t SET note = ''; ROLLBACK TO a");
    lost.exec(rows);
    two.exec(rows);
    two.exec("UPDATE t SET note = 'changed' WHERE id % 3 = 0");
    database.exec("INSERT INTO t (who) VALUES ('between')");
  }
  two.exec("COMMIT");
  lost.exec("ROLLBACK");
  one.exec("COMMIT");
  const Messages all = streamed();
  EXPECT_TRUE(has(all, 'S') && has(all, 'A') && has(all, 'c') && has(all, 'B'));
  const Messages told = changes(all);
  EXPECT_GT(told.size(), 3000u);
  EXPECT_EQ(told, changes(whole()));
}

// Renaming a schema waits for nobody who writes to its tables.
TEST_P(AStreamingServer, describes_a_table_whose_schema_is_renamed_meanwhile) {
  database.exec("CREATE SCHEMA before; CREATE TABLE before.t (id int PRIMARY KEY, note text)");
  begin_slot();
  testbed::Session large(database.uri());
  large.exec("BEGIN; INSERT INTO before.t SELECT i, repeat('x', 30) FROM generate_series(1, 2000) i");
  database.exec("ALTER SCHEMA before RENAME TO after");
  database.exec("INSERT INTO after.t VALUES (2001, 'meanwhile')");
  large.exec("COMMIT");
  database.exec("INSERT INTO after.t VALUES (2002, 'at last')");
  const Messages told = changes(streamed());
  EXPECT_EQ(told.front(), "insert after.t (2001,meanwhile)");
  EXPECT_EQ(told.at(1), "insert before.t (1," + std::string(30, 'x') + ")");
  EXPECT_EQ(told.back(), "insert after.t (2002,at last)");
  EXPECT_EQ(told.size(), 2002u);
}

}  // namespace
}  // namespace tributary::postgres::pgoutput
