#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <thread>

#include "engine/postgres/client/connection.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

Until soon() {
  return {Deadline::after(Seconds(20)), {}};
}

std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class ALiveConnection : public ::testing::TestWithParam<int> {
 protected:
  ALiveConnection() : database_(testbed::server(GetParam()).create_database("connection")) {}

  Connection connect(std::vector<std::string> settings = {}) {
    auto connection = Connection::open(parse_conninfo(database_.uri()).value(), settings, soon());
    EXPECT_TRUE(connection) << connection.error().what;
    return std::move(connection).value();
  }

  testbed::Database database_;
};
INSTANTIATE_TEST_SUITE_P(Majors, ALiveConnection, ::testing::Values(12, 18));

TEST_P(ALiveConnection, answers_queries_with_parameters_and_nulls) {
  Connection connection = connect();
  const auto rows = connection.query("SELECT $1::int + 1, $2::text, ''", {"41", std::nullopt}, soon());
  ASSERT_TRUE(rows) << rows.error().what;
  EXPECT_EQ(rows->integer(0, 0), 42);
  EXPECT_TRUE(rows->is_null(0, 1));
  EXPECT_FALSE(rows->is_null(0, 2));
  EXPECT_EQ(connection.major_version(), GetParam());
}

TEST_P(ALiveConnection, applies_its_settings_and_names_itself) {
  Connection connection = connect({"row_security = off", "statement_timeout = 0"});
  EXPECT_EQ(connection.query_row("SHOW row_security", {}, soon())->text(0, 0), "off");
  EXPECT_EQ(connection.query_row("SHOW application_name", {}, soon())->text(0, 0), "tributary");
}

TEST_P(ALiveConnection, a_failed_statement_tells_its_state_and_never_a_rows_values) {
  Connection connection = connect();
  ASSERT_TRUE(connection.execute("CREATE TABLE t (secret text PRIMARY KEY)", soon()));
  ASSERT_TRUE(connection.execute("INSERT INTO t VALUES ('hunter2')", soon()));
  const auto again = connection.execute("INSERT INTO t VALUES ('hunter2')", soon());
  ASSERT_FALSE(again);
  EXPECT_EQ(connection.sqlstate(), "23505");
  EXPECT_EQ(describe(again.error()).find("hunter2"), std::string::npos);
  EXPECT_TRUE(connection.query("SELECT 1", soon()));
}

TEST_P(ALiveConnection, a_deadline_cancels_the_statement_and_leaves_the_connection_usable) {
  Connection connection = connect();
  const auto slept = connection.query("SELECT pg_sleep(60)", {Deadline::after(Milliseconds(200)), {}});
  ASSERT_FALSE(slept);
  EXPECT_EQ(slept.error().fault, Fault::transient);
  ASSERT_TRUE(connection.usable());
  EXPECT_EQ(connection.query_row("SELECT 7", {}, soon())->integer(0, 0), 7);
}

TEST_P(ALiveConnection, a_stop_request_ends_a_waiting_query) {
  Connection connection = connect();
  std::stop_source stop;
  std::jthread stopper([&] {
    testbed::Session watcher(database_.uri());
    while (watcher.scalar("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(61)%'") == "0") {
    }
    stop.request_stop();
  });
  const auto slept = connection.query("SELECT pg_sleep(61)", {Deadline::never(), stop.get_token()});
  ASSERT_FALSE(slept);
  EXPECT_EQ(slept.error().fault, Fault::cancelled);
  EXPECT_TRUE(connection.usable());
}

TEST_P(ALiveConnection, copies_rows_from_one_connection_to_another) {
  database_.exec("CREATE TABLE a AS SELECT i, repeat(i::text, 7) AS t FROM generate_series(1, 20000) i");
  database_.exec("CREATE TABLE b (LIKE a)");
  Connection from = connect();
  Connection to = connect();
  CopyOut out = from.copy_out("COPY a TO STDOUT (FORMAT binary)", soon()).value();
  CopyIn in = to.copy_in("COPY b FROM STDIN (FORMAT binary)", soon()).value();
  for (;;) {
    const auto message = out.next(soon());
    ASSERT_TRUE(message) << message.error().what;
    if (message->empty()) break;
    ASSERT_TRUE(in.write(*message, soon()));
  }
  EXPECT_EQ(in.finish(soon()).value(), 20000u);
  EXPECT_EQ(database_.scalar("SELECT count(*) FROM a FULL JOIN b USING (i, t) WHERE a.i IS NULL OR b.i IS NULL"), "0");
  EXPECT_TRUE(from.usable());
  EXPECT_TRUE(to.usable());
}

TEST_P(ALiveConnection, an_unfinished_copy_in_leaves_no_rows_and_a_usable_connection) {
  database_.exec("CREATE TABLE t (i int)");
  Connection connection = connect();
  {
    CopyIn in = connection.copy_in("COPY t FROM STDIN", soon()).value();
    ASSERT_TRUE(in.write(bytes("1\n"), soon()));
  }
  EXPECT_TRUE(connection.usable());
  EXPECT_EQ(database_.scalar("SELECT count(*) FROM t"), "0");
}

TEST_P(ALiveConnection, a_stop_request_ends_a_copy_that_waits_for_a_lock_at_its_end) {
  database_.exec("CREATE TABLE t (i int)");
  database_.exec(
      "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END$$");
  database_.exec("CREATE TRIGGER waits BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION wait()");
  testbed::Session holder(database_.uri());
  holder.exec("SELECT pg_advisory_lock(7)");
  const std::string waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
  std::stop_source stop;
  std::jthread stopper([&] {
    testbed::Session watcher(database_.uri());
    while (watcher.scalar(waiting) == "0") {
    }
    stop.request_stop();
  });
  Connection connection = connect();
  {
    CopyIn in = connection.copy_in("COPY t FROM STDIN", soon()).value();
    ASSERT_TRUE(in.write(bytes("1\n"), soon()));
    const auto finished = in.finish({Deadline::never(), stop.get_token()});
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().fault, Fault::cancelled);
  }
  EXPECT_EQ(holder.scalar(waiting), "0");
  EXPECT_TRUE(connection.usable());
}

TEST_P(ALiveConnection, rows_of_a_copy_that_are_not_there_yet_are_waited_for_in_spans) {
  testbed::Session holder(database_.uri());
  holder.exec("SELECT pg_advisory_lock(7)");
  Connection connection = connect();
  Result<CopyOut> out = connection.begin_copy_out(
      "COPY (SELECT i FROM generate_series(1, 3) i WHERE pg_advisory_xact_lock(7) IS NOT NULL) TO STDOUT", soon());
  ASSERT_TRUE(out) << out.error().what;
  int looks = 0;
  for (bool has_begun = false; !has_begun;) {
    const Result<bool> begun = out->begun(Milliseconds{20}, soon());
    ASSERT_TRUE(begun) << begun.error().what;
    has_begun = *begun;
    if (++looks == 2) holder.exec("SELECT pg_advisory_unlock(7)");
  }
  EXPECT_GT(looks, 2);
  std::string rows;
  for (;;) {
    const auto row = out->next(soon());
    ASSERT_TRUE(row) << row.error().what;
    if (row->empty()) break;
    rows.append(reinterpret_cast<const char*>(row->data()), row->size());
  }
  EXPECT_EQ(rows, "1\n2\n3\n");
  EXPECT_EQ(out->rows(), 3U);
  EXPECT_TRUE(connection.usable());
}

TEST_P(ALiveConnection, a_copy_that_fails_before_it_begins_leaves_a_usable_connection) {
  Connection connection = connect();
  {
    Result<CopyOut> out =
        connection.begin_copy_out("COPY (SELECT 1 / (i - 2) FROM generate_series(1, 3) i) TO STDOUT", soon());
    ASSERT_TRUE(out);
    Result<bool> begun = out->begun(Seconds{60}, soon());
    if (begun) {
      const auto row = out->next(soon());
      const auto second = row ? out->next(soon()) : row;
      EXPECT_FALSE(second);
    }
  }
  EXPECT_TRUE(connection.usable());
  {
    const Result<CopyOut> nowhere = connection.begin_copy_out("COPY nowhere TO STDOUT", soon());
    ASSERT_TRUE(nowhere);
  }
  EXPECT_TRUE(connection.usable());
  Result<CopyOut> nowhere = connection.begin_copy_out("COPY nowhere TO STDOUT", soon());
  const Result<bool> begun = nowhere->begun(Seconds{60}, soon());
  ASSERT_FALSE(begun);
  EXPECT_EQ(connection.sqlstate(), "42P01");
  EXPECT_TRUE(connection.usable());
}

TEST_P(ALiveConnection, an_unfinished_copy_out_leaves_a_usable_connection) {
  Connection connection = connect();
  {
    CopyOut out = connection.copy_out("COPY (SELECT generate_series(1, 3000000)) TO STDOUT", soon()).value();
    ASSERT_FALSE(out.next(soon())->empty());
  }
  EXPECT_EQ(connection.query_row("SELECT 7", {}, soon())->integer(0, 0), 7);
}

TEST_P(ALiveConnection, a_row_that_the_source_cannot_produce_is_an_error_and_no_end) {
  Connection connection = connect();
  CopyOut out =
      connection.copy_out("COPY (SELECT 1 / (5000 - i) FROM generate_series(1, 9000) i) TO STDOUT", soon()).value();
  for (;;) {
    const auto message = out.next(soon());
    if (!message) break;
    ASSERT_FALSE(message->empty()) << "the copy ended as if it were complete";
  }
  EXPECT_EQ(connection.sqlstate(), "22012");
}

TEST_P(ALiveConnection, a_refused_row_fails_the_copy_at_a_write_or_at_its_end) {
  database_.exec("CREATE TABLE t (i int CHECK (i > 0))");
  Connection connection = connect({"client_min_messages = error"});
  CopyIn in = connection.copy_in("COPY t FROM STDIN", soon()).value();
  ASSERT_TRUE(in.write(bytes("-1\n"), soon()));
  const std::string block(64 * 1024, '1');
  Result<void> written;
  int blocks = 0;
  while (written && blocks < 10'000) {
    written = in.write(bytes(block + "\n"), soon());
    ++blocks;
  }
  // libpq may swallow the server's word while it sends; then the end of the COPY tells it.
  if (written) {
    EXPECT_FALSE(in.finish(soon()));
  }
  EXPECT_EQ(connection.sqlstate(), "23514");
  EXPECT_TRUE(connection.query("SELECT 1", soon()));
}

// A look at the catalogs meets "could not open relation with OID" where somebody drops a table just then.
TEST_P(ALiveConnection, what_the_server_calls_internal_may_pass) {
  Connection connection = connect();
  const auto looked = connection.execute("DO $$ BEGIN RAISE internal_error; END $$", soon());
  ASSERT_FALSE(looked);
  EXPECT_EQ(connection.sqlstate(), "XX000");
  EXPECT_EQ(looked.error().fault, Fault::transient);
  EXPECT_TRUE(connection.query("SELECT 1", soon()));
}

TEST_P(ALiveConnection, a_server_that_goes_away_is_transient_and_the_connection_unusable) {
  Connection connection = connect();
  const std::string pid = connection.query_row("SELECT pg_backend_pid()", {}, soon())->str(0, 0);
  database_.exec("SELECT pg_terminate_backend(" + pid + ")");
  const auto rows = connection.query("SELECT pg_sleep(30)", soon());
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().fault, Fault::transient);
  EXPECT_FALSE(connection.usable());
}

// A server whose postmaster is frozen accepts a request to cancel and never answers it.
TEST(AConnection, whose_server_does_not_answer_a_cancel_is_given_up) {
  testbed::PostgresServer own(18, testbed::Flavour::logical, 9);
  Connection connection = Connection::open(parse_conninfo(own.uri("postgres")).value(), {}, soon()).value();
  const std::string file = "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)";
  const pid_t postmaster = std::stoi(own.scalar("postgres", file));
  ASSERT_EQ(::kill(postmaster, SIGSTOP), 0);
  const auto slept = connection.query("SELECT pg_sleep(60)", {Deadline::after(Milliseconds{1}), {}});
  ASSERT_EQ(::kill(postmaster, SIGCONT), 0);
  ASSERT_FALSE(slept);
  EXPECT_EQ(slept.error().fault, Fault::transient);
  EXPECT_FALSE(connection.usable());
}

TEST_P(ALiveConnection, refusals_while_connecting_name_the_cause_and_are_no_reason_to_retry) {
  auto& server = testbed::server(GetParam());
  const auto open = [](const std::string& uri) {
    return Connection::open(parse_conninfo(uri).value(), {}, soon()).error();
  };
  const Error password = open(server.tcp_uri(database_.name(), "postgres", "hunter2"));
  EXPECT_EQ(password.fault, Fault::denied);
  EXPECT_EQ(describe(password).find("hunter2"), std::string::npos);
  EXPECT_EQ(open(server.tcp_uri("no such database", "postgres", testbed::PostgresServer::superuser_password)).fault,
            Fault::missing);
}

}  // namespace
}  // namespace tributary::postgres
