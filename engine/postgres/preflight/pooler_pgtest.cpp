#include "engine/postgres/preflight/pooler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "engine/postgres/preflight/preflight.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/server_files.h"

// Against PgBouncer itself.
namespace tributary::postgres {
namespace {

using testbed::done;
using testbed::ends;
using testbed::server;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Until soon() {
  return {Deadline::after(Seconds(120)), {}};
}

// One or several PgBouncers behind one address, in front of one server. They end with this object and with the test.
class Pooler {
 public:
  Pooler(testbed::PostgresServer& behind, const std::string& settings, int processes = 1)
      : folder_(testbed::server_folder(testbed::servers_parent(), "tributary-pooler")), port_(testbed::free_port()) {
    std::ofstream(folder_ / "pgbouncer.ini")
        << "[databases]\n* = host=127.0.0.1 port=" << behind.port()
        << " user=postgres password='server''s own: secret @1'\n"
        << "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " << port_ << "\nso_reuseport = 1\nunix_socket_dir =\n"
        << "auth_type = any\n"
        << settings;
    for (int i = 0; i < processes; ++i)
      processes_.push_back(testbed::launch(
          {"/usr/bin/setpriv", "--pdeathsig=KILL", "/usr/sbin/pgbouncer", (folder_ / "pgbouncer.ini").string()},
          folder_ / "log"));
    const std::string ready = "process up";
    testbed::wait_until("PgBouncer is up, see " + (folder_ / "log").string(), [&] {
      std::ifstream log(folder_ / "log");
      const std::string text{std::istreambuf_iterator<char>(log), {}};
      int up = 0;
      for (auto at = text.find(ready); at != text.npos; at = text.find(ready, at + 1)) ++up;
      return up == processes;
    });
  }
  ~Pooler() {
    for (const pid_t process : processes_) {
      kill(process, SIGKILL);
      waitpid(process, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Pooler(const Pooler&) = delete;
  Pooler& operator=(const Pooler&) = delete;

  std::string uri(const std::string& database) const {
    return "postgresql://anybody@127.0.0.1:" + std::to_string(port_) + "/" + database;
  }
  bool shares_backends() const {
    const Parameters parameters = parse_conninfo(uri("postgres")).value();
    Connection session = Connection::open(parameters, {}, soon()).value();
    return postgres::shares_backends(session, parameters, soon());
  }

 private:
  const std::filesystem::path folder_;
  const int port_;
  std::vector<pid_t> processes_;
};

TEST(APooler, of_transactions_is_found_whatever_the_size_of_its_pool) {
  for (const char* size : {"1", "2", "20"})
    EXPECT_TRUE(
        Pooler(server(17), std::string("pool_mode = transaction\ndefault_pool_size = ") + size).shares_backends())
        << size;
}

TEST(APooler, of_statements_is_found) {
  EXPECT_TRUE(Pooler(server(17), "pool_mode = statement").shares_backends());
}

TEST(APooler, that_takes_turns_is_found) {
  const Pooler pooler(server(17), "pool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 3");
  for (int time = 0; time < 3; ++time) EXPECT_TRUE(pooler.shares_backends());
}

TEST(APooler, that_is_several_behind_one_address_is_found) {
  const Pooler pooler(server(17), "pool_mode = transaction", 3);
  for (int time = 0; time < 5; ++time) EXPECT_TRUE(pooler.shares_backends());
}

TEST(APooler, that_others_use_is_found) {
  const Pooler pooler(server(17), "pool_mode = transaction\ndefault_pool_size = 4");
  std::vector<testbed::Session> others;
  for (int i = 0; i < 2; ++i) others.emplace_back(pooler.uri("postgres")).exec("BEGIN; SELECT 1");
  EXPECT_TRUE(pooler.shares_backends());
}

TEST(APooler, of_sessions_is_none_of_these) {
  EXPECT_FALSE(Pooler(server(17), "pool_mode = session").shares_backends());
}

// Nobody else's fault either: what does not answer is not accused.
TEST(APooler, of_sessions_that_has_no_second_one_is_none_of_these) {
  EXPECT_FALSE(Pooler(server(17), "pool_mode = session\ndefault_pool_size = 1").shares_backends());
}

TEST(AServer, is_no_pooler) {
  for (const int major : {13, 17}) {
    const Parameters parameters = parse_conninfo(server(major).uri("postgres")).value();
    Connection session = Connection::open(parameters, {}, soon()).value();
    EXPECT_FALSE(shares_backends(session, parameters, soon())) << major;
    EXPECT_EQ(std::to_string(session.told_backend()),
              session.query_row("SELECT pg_backend_pid()", {}, soon()).value().str(0, 0));
  }
}

std::vector<std::string> errors(const Validation& validation) {
  std::vector<std::string> codes;
  for (const api::Finding& finding : validation.findings)
    if (finding.severity == api::Severity::error) codes.push_back(finding.code);
  return codes;
}

TEST(ACheck, refuses_a_pooler_of_transactions_at_either_end_and_leaves_its_sessions_as_they_are) {
  const auto [source, target] = ends("pooled", 17, 18);
  const Pooler at_source(server(17), "pool_mode = transaction\ndefault_pool_size = 1");
  const Pooler at_target(server(18), "pool_mode = transaction\ndefault_pool_size = 1");
  const auto settings = [](const std::string& uri) {
    return testbed::Session(uri).scalar(
        "SELECT string_agg(name || setting, ',' ORDER BY name) FROM pg_settings WHERE source = 'session'"
        " AND name <> 'application_name'");
  };
  const std::string before = settings(at_source.uri(source.name())) + settings(at_target.uri(target.name()));
  const Validation validation =
      validate(testbed::spec_between(at_source.uri(source.name()), at_target.uri(target.name())), soon()).value();
  EXPECT_THAT(errors(validation), ElementsAre("PooledConnection", "PooledConnection"));
  EXPECT_THAT(validation.findings.at(0).subject, "source");
  EXPECT_THAT(validation.findings.at(0).message, HasSubstr("is a pooler"));
  EXPECT_THAT(validation.findings.at(0).hint, HasSubstr("session mode"));
  EXPECT_EQ(settings(at_source.uri(source.name())) + settings(at_target.uri(target.name())), before);
}

TEST(ASnapshot, goes_through_poolers_of_sessions) {
  const auto [source, target] = ends("pooled", 17, 18);
  source.exec("CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 1000) i; CREATE INDEX ON t (i)");
  const Pooler at_source(server(17), "pool_mode = session");
  const Pooler at_target(server(18), "pool_mode = session");
  const api::Spec spec = testbed::spec_between(at_source.uri(source.name()), at_target.uri(target.name()));
  EXPECT_THAT(errors(validate(spec, soon()).value()), IsEmpty());
  ASSERT_TRUE(done(testbed::snapshot(spec)));
  EXPECT_TRUE(testbed::same_content(source.uri(), target.uri()));
}

}  // namespace
}  // namespace tributary::postgres
