#include "engine/testing/postgres_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "engine/testing/fingerprint.h"

namespace tributary::testbed {
namespace {

using ::testing::ElementsAre;
using ::testing::Key;

class EachServer : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Majors, EachServer, ::testing::Values(12, 13, 18));

TEST_P(EachServer, answers_as_its_own_major_with_logical_wal) {
  const auto settings =
      server(GetParam())
          .query("postgres",
                 "SELECT current_setting('server_version_num')::int / 10000, current_setting('wal_level'), NULL");
  EXPECT_THAT(settings, ElementsAre(Row{std::to_string(GetParam()), "logical", std::nullopt}));
}

TEST_P(EachServer, keeps_data_over_a_stop_and_over_a_crash) {
  PostgresServer own(GetParam(), Flavour::logical, 2);
  const auto database = own.create_database("kept");
  database.exec("CREATE TABLE t (a int)");
  Session idle(database.uri());
  own.stop();
  own.start();
  database.exec("INSERT INTO t VALUES (1)");
  own.kill();
  own.start();
  EXPECT_EQ(database.scalar("SELECT count(*) FROM t"), "1");
}

TEST_P(EachServer, is_set_back_to_what_it_held_when_it_was_backed_up) {
  PostgresServer own(GetParam(), Flavour::logical, 2);
  const auto database = own.create_database("backed_up");
  database.exec("CREATE TABLE t AS SELECT 1 AS a");
  own.stop();
  own.back_up();
  for (int round = 0; round < 2; ++round) {
    own.start();
    database.exec("INSERT INTO t VALUES (2)");
    own.stop();
    own.set_back();
  }
  own.start();
  EXPECT_EQ(database.scalar("SELECT string_agg(a::text, ',') FROM t"), "1");
}

TEST_P(EachServer, asks_every_role_but_the_local_superuser_for_its_password) {
  auto& server = testbed::server(GetParam());
  server.exec("postgres", "CREATE ROLE guest LOGIN PASSWORD 'p@ss/word'");
  EXPECT_EQ(Session(server.tcp_uri("postgres", "guest", "p@ss/word")).scalar("SELECT current_user"), "guest");
  EXPECT_THROW(Session(server.tcp_uri("postgres", "guest", "wrong")), std::runtime_error);
  EXPECT_EQ(Session(server.tcp_uri("postgres", "postgres", PostgresServer::superuser_password)).scalar("SELECT 1"),
            "1");
  server.exec("postgres", "DROP ROLE guest");
}

TEST_P(EachServer, drops_a_database_with_its_owner_even_when_in_use) {
  auto& server = testbed::server(GetParam());
  std::string name;
  std::optional<Session> busy;
  {
    const auto database = server.create_database("Odd \"name'");
    name = database.name();
    busy.emplace(database.uri());
  }
  EXPECT_EQ(server.scalar("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'Odd%'"), "0");
  EXPECT_NE(busy->sqlstate("SELECT 1"), "");
}

TEST(Servers, have_system_identifiers_of_their_own) {
  const std::string identifier = "SELECT system_identifier FROM pg_control_system()";
  EXPECT_NE(server(18).scalar("postgres", identifier), server(18, Flavour::replica).scalar("postgres", identifier));
  EXPECT_EQ(server(18, Flavour::replica).scalar("postgres", "SHOW wal_level"), "replica");
}

TEST(Servers, do_not_outlive_a_killed_test) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const PostgresServer own(18, Flavour::logical, 3);
    const std::string folder = own.log().parent_path().string();
    if (write(ends[1], folder.data(), folder.size()) < 0) _exit(1);
    close(ends[1]);
    pause();
  }
  close(ends[1]);
  std::string folder(1000, '\0');
  const auto length = read(ends[0], folder.data(), folder.size());
  ASSERT_GT(length, 0);
  folder.resize(static_cast<std::size_t>(length));
  std::string postmaster;
  std::getline(std::ifstream(folder + "/data/postmaster.pid"), postmaster);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  while (std::filesystem::exists(folder)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  // Ended, though perhaps not yet reaped by init.
  EXPECT_EQ(std::ifstream("/proc/" + postmaster + "/cmdline").get(), std::ifstream::traits_type::eof());
}

class Fingerprint : public ::testing::Test {
 protected:
  static constexpr const char* content = R"(
    CREATE SCHEMA "Other";
    CREATE TABLE public.a ("the row" int, f float8, at timestamptz, b bytea, i interval);
    CREATE TABLE "Other"."T t" (a text, b text);
    CREATE TABLE public.nothing ();
    CREATE TABLE public.split (a int) PARTITION BY LIST (a);
    CREATE TABLE public.leaf PARTITION OF public.split FOR VALUES IN (1);
    CREATE SEQUENCE public.s;
    CREATE SCHEMA _tributary CREATE TABLE ledger (a int);
    INSERT INTO public.a VALUES (1, 0.1, '2020-01-01 00:00Z', '\x00ff', '1 day'), (2, 'NaN', 'infinity', '', '1 mon');
    INSERT INTO "Other"."T t" VALUES ('', NULL), (NULL, '');
    INSERT INTO public.nothing DEFAULT VALUES;
    INSERT INTO public.leaf VALUES (1);)";
  Database old_ = server(13).create_database("content");
  Database new_ = server(18).create_database("content");
};

TEST_F(Fingerprint, is_the_same_over_versions_settings_and_row_order) {
  old_.exec(content);
  new_.exec(std::string(content) + "UPDATE public.a SET f = f WHERE \"the row\" = 1");
  new_.exec("ALTER DATABASE " + new_.name() + " SET timezone = 'Asia/Tokyo'; ALTER DATABASE " + new_.name() +
            " SET bytea_output = 'escape'");
  EXPECT_THAT(fingerprint(old_.uri()),
              ElementsAre(Key("Other.T t"), Key("public.a"), Key("public.leaf"), Key("public.nothing")));
  EXPECT_EQ(fingerprint(old_.uri()), fingerprint(new_.uri()));
  EXPECT_EQ(sequences(old_.uri()), sequences(new_.uri()));
}

TEST_F(Fingerprint, by_names_of_columns_is_the_same_whatever_their_order) {
  old_.exec("CREATE TABLE t (a int, \"B b\" text); INSERT INTO t VALUES (1, 'x'), (2, NULL)");
  new_.exec(
      "CREATE TABLE t (\"B b\" text, gone int, a int); ALTER TABLE t DROP gone; INSERT INTO t VALUES (NULL, 2), ('x', "
      "1)");
  EXPECT_NE(fingerprint(old_.uri()), fingerprint(new_.uri()));
  EXPECT_EQ(rows_by_column_name(old_.uri()), rows_by_column_name(new_.uri()));
  new_.exec("UPDATE t SET \"B b\" = '' WHERE a = 2");
  EXPECT_NE(rows_by_column_name(old_.uri()), rows_by_column_name(new_.uri()));
  new_.exec("UPDATE t SET \"B b\" = NULL WHERE a = 2; ALTER TABLE t RENAME a TO c");
  EXPECT_NE(rows_by_column_name(old_.uri()), rows_by_column_name(new_.uri()));
}

TEST_F(Fingerprint, shows_any_change) {
  new_.exec(content);
  auto before = fingerprint(new_.uri());
  for (const std::string change :
       {R"(UPDATE public.a SET f = 0.2 WHERE "the row" = 1)", R"(UPDATE "Other"."T t" SET b = '' WHERE b IS NULL)",
        R"(INSERT INTO public.leaf SELECT * FROM public.leaf)", "DROP TABLE public.nothing"}) {
    new_.exec(change);
    auto after = fingerprint(new_.uri());
    EXPECT_NE(before, after) << change;
    before = std::move(after);
  }
  const auto used = sequences(new_.uri());
  new_.exec("SELECT nextval('public.s')");
  EXPECT_NE(used, sequences(new_.uri()));
}

}  // namespace
}  // namespace tributary::testbed
