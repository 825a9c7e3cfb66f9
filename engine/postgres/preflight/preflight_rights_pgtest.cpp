#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/preflight/preflight.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/postgres_server.h"

// What the target's role may not do with tables that are appended to.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::server;
using ::testing::HasSubstr;

struct Right {
  const char* name;
  const char* table;  // what is done to table t, which belongs to somebody else but is the role's to write to
  const char* code;
  const char* words;
};
void PrintTo(const Right& right, std::ostream* out) {
  *out << right.name;
}

const Right all_rights[] = {
    {"insert", "REVOKE INSERT ON t FROM append_guest", "TargetTableDenied", "public.t: no INSERT"},
    {"select", "REVOKE SELECT ON t FROM append_guest", "TargetTableDenied", "public.t: no SELECT"},
    {"lock", "REVOKE TRUNCATE ON t FROM append_guest", "TargetTableDenied", "public.t: no TRUNCATE"},
    {"policies", "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON t USING (true)",
     "TargetTableDenied", "public.t: row-level security applies to it"},
    {"forced_policies",
     "ALTER TABLE t OWNER TO append_guest; ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
     "TargetTableDenied", "public.t: row-level security applies to it"},
    {"owner", "ALTER TABLE t OWNER TO postgres", "TargetTableNotOwned", "public.t of role postgres"},
};

class ATableOfTheTarget : public ::testing::TestWithParam<std::tuple<int, Right>> {};
INSTANTIATE_TEST_SUITE_P(Rights, ATableOfTheTarget,
                         ::testing::Combine(::testing::Values(15, 18), ::testing::ValuesIn(all_rights)),
                         [](const auto& each) {
                           return std::to_string(std::get<0>(each.param)) + "_" + std::get<1>(each.param).name;
                         });

TEST_P(ATableOfTheTarget, that_the_role_may_not_append_to_is_found_before_the_copy) {
  const auto& [major, right] = GetParam();
  const Database source = server(15).create_database("rights");
  const Database target = server(major).create_database("rights");
  source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  target.exec(
      "DO $$BEGIN CREATE ROLE append_guest LOGIN PASSWORD 'guest'; EXCEPTION WHEN duplicate_object OR unique_violation "
      "THEN NULL; END$$;"
      "CREATE TABLE t (id int PRIMARY KEY); GRANT SELECT, INSERT, TRUNCATE ON t TO append_guest;"
      "GRANT ALL ON SCHEMA public TO append_guest; GRANT CREATE ON DATABASE \"" +
      target.name() + "\" TO append_guest");
  if (major >= 15) target.exec("GRANT SET ON PARAMETER session_replication_role TO append_guest");
  target.exec(right.table);
  const std::string uri = server(major).tcp_uri(target.name(), "append_guest", "guest");
  api::Spec spec = testbed::spec_between(source.uri(), uri);
  spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  const Result<Validation> validation = validate(spec, {Deadline::after(Seconds(120)), {}});
  ASSERT_TRUE(validation) << validation.error().what;
  std::string found;
  for (const api::Finding& each : validation->findings)
    found += each.code + ": " + each.message + " (" + each.hint + ")\n";
  EXPECT_THAT(found, HasSubstr(right.code));
  EXPECT_THAT(found, HasSubstr(right.words));
  const api::Report report = testbed::snapshot(spec);
  EXPECT_EQ(report.exit_code, api::ExitCode::bad_configuration) << report.message;
  EXPECT_EQ(report.reason, right.code) << report.message;
}

}  // namespace
}  // namespace tributary::postgres
