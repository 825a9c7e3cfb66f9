#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/verify/verify.h"
#include "engine/testing/session.h"

namespace tributary::postgres::verify {
namespace {

using api::Comparison;
using api::Mode;
using testbed::done;
using testbed::Following;
using testbed::Session;
using testbed::StreamPair;
using testbed::wait_until;

const char* const tables =
    "CREATE TABLE account (id int PRIMARY KEY, n bigint); INSERT INTO account SELECT i, 0 FROM generate_series(1, 500) "
    "i;"
    "CREATE TABLE line (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), word text, at timestamptz DEFAULT now());"
    "CREATE TABLE loose (a int, b text)";

// Sessions that insert, change and delete.
class Writers {
 public:
  Writers(const std::string& uri, unsigned seed) {
    for (unsigned writer = 0; writer < 3; ++writer)
      threads_.emplace_back([uri, seed, writer](const std::stop_token& stop) {
        Session session(uri);
        std::mt19937 random(seed + writer);
        while (!stop.stop_requested()) {
          const std::string id = std::to_string(random() % 500 + 1);
          session.sqlstate("BEGIN; UPDATE account SET n = n + 1 WHERE id = " + id +
                           "; INSERT INTO line (word) VALUES ('" + id + "'), (NULL)" +
                           "; DELETE FROM line WHERE at < now() - interval '2 s'; COMMIT");
          session.sqlstate("ROLLBACK");
        }
      });
  }

 private:
  std::vector<std::jthread> threads_;
};

api::Verification compare(const api::Spec& spec, const Flags& flags = {}) {
  pipeline::ProgressBoard board("");
  const Result<api::Verification> found = verify(spec, flags, board, nullptr, {Deadline::after(Seconds{300}), {}});
  EXPECT_TRUE(found) << (found ? "" : describe(found.error()));
  return found ? *found : api::Verification{};
}

// What is wrong with it, or "".
std::string differences(const api::Verification& found) {
  std::string text;
  for (const api::TableVerification& table : found.tables) {
    if (table.result == Comparison::different) text += table.name + " differs " + table.reason + "\n";
    for (const api::RowDifference& row : table.rows) text += "  " + row.key + "\n";
  }
  for (const api::ObjectDifference& object : found.sequences) text += object.object + " is behind\n";
  return text;
}

// A target that is ahead is not behind; the stream carries sequences once a minute.
void carry_sequences(const StreamPair& pair) {
  pair.wait_until_applied();
  pair.target.exec("SELECT setval(oid::regclass, 1000000) FROM pg_class WHERE relkind = 'S'");
}

const api::TableVerification& table(const api::Verification& found, const std::string& name) {
  for (const api::TableVerification& each : found.tables)
    if (each.name == name) return each;
  throw std::runtime_error("no table " + name);
}

struct Way {
  int from, to;
};
class ComparedBesideASync : public ::testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(OfSourceAndTarget, ComparedBesideASync,
                         ::testing::Values(Way{13, 15}, Way{15, 18}, Way{18, 18}), [](const auto& each) {
                           return std::to_string(each.param.from) + "_to_" + std::to_string(each.param.to);
                         });

TEST_P(ComparedBesideASync, both_ends_are_never_said_to_differ_while_others_write) {
  StreamPair pair("verify", GetParam().from, GetParam().to);
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  carry_sequences(pair);
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Writers writers(pair.source.uri(), seed);
  for (int round = 0; round < 20; ++round) {
    const api::Verification found = compare(pair.spec(Mode::sync));
    ASSERT_EQ(differences(found), "") << "round " << round;
    EXPECT_EQ(table(found, "public.account").result, Comparison::equal) << table(found, "public.account").reason;
    EXPECT_EQ(table(found, "public.line").result, Comparison::equal) << table(found, "public.line").reason;
    EXPECT_EQ(table(found, "public.loose").result, Comparison::not_compared) << "no stream keeps it up to date";
    EXPECT_NE(found.position, "");
  }
  wait_until("no slot stays but the stream's", [&] { return pair.slots() == "1"; });
}

TEST(ComparedBesideASync, a_row_that_was_changed_on_the_target_is_named) {
  StreamPair pair("verify", 15, 18);
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  carry_sequences(pair);
  Writers writers(pair.source.uri(), 1);
  pair.target.exec("INSERT INTO account VALUES (1000, 7)");
  const api::Verification found = compare(pair.spec(Mode::sync));
  EXPECT_EQ(found.result, Comparison::different);
  EXPECT_EQ(differences(found), "public.account differs \n  id=1000\n");
}

TEST(ComparedBesideASync, where_no_slot_can_be_made_what_differs_is_looked_at_again) {
  StreamPair pair("verify", 15, 18);
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(Mode::sync));
  carry_sequences(pair);
  const std::string role = pair.source.name() + "_reader";
  pair.source.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'p'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO " +
                   role + "; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO " + role);
  api::Spec spec = pair.spec(Mode::sync);
  spec.source.uri = testbed::server(15).tcp_uri(pair.source.name(), role, "p");
  {
    Writers writers(pair.source.uri(), 2);
    const api::Verification found = compare(spec);
    EXPECT_EQ(differences(found), "");
    EXPECT_EQ(found.position, "");
    pair.target.exec("INSERT INTO account VALUES (1000, 7); DELETE FROM account WHERE id = 1");
  }
  carry_sequences(pair);
  const api::Verification found = compare(spec);
  EXPECT_EQ(differences(found), "public.account differs \n  id=1\n  id=1000\n");
  pair.source.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

}  // namespace
}  // namespace tributary::postgres::verify
