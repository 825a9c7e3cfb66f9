#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/structure/testing/compared.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres::structure {
namespace {

using testbed::Database;
using testbed::server;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* schema = R"sql(
CREATE TABLE owner (id serial, n integer GENERATED ALWAYS AS IDENTITY);
CREATE SEQUENCE shared;
CREATE TABLE user_of (id integer DEFAULT nextval('shared'));
CREATE SEQUENCE "Falling" INCREMENT -1;
CREATE SEQUENCE apart START 10 INCREMENT 5;
)sql";

class Sequences : public ::testing::TestWithParam<int> {
 protected:
  Sequences()
      : from_(server(GetParam())),
        to_(server(18)),
        source_(from_.create_database("source")),
        target_(to_.create_database("target")) {
    source_.exec(schema);
    target_.exec(schema);
  }

  testbed::PostgresServer& from_;
  testbed::PostgresServer& to_;
  Database source_;
  Database target_;
};
INSTANTIATE_TEST_SUITE_P(Majors, Sequences, ::testing::Values(12, 18));

TEST_P(Sequences, are_told_where_they_are_behind) {
  EXPECT_THAT(sequence_differences(source_, target_), IsEmpty());
  source_.exec(
      "SELECT setval('owner_id_seq', 7), setval('\"Falling\"', -7), setval('apart', 100), setval('shared', 9)");
  EXPECT_THAT(sequence_differences(source_, target_),
              ElementsAre("behind public.\"Falling\": -7 | -1", "behind public.apart: 100 | 10",
                          "behind public.owner_id_seq: 7 | 1", "behind public.shared: 9 | 1"));
  target_.exec(
      "SELECT setval('owner_id_seq', 8, false), setval('\"Falling\"', -9), setval('apart', 97), setval('shared', 8)");
  EXPECT_THAT(sequence_differences(source_, target_), ElementsAre("behind public.shared: 9 | 8"));
}

TEST_P(Sequences, of_the_selected_tables_are_those_that_they_own_and_take_defaults_from) {
  source_.exec("SELECT setval('owner_id_seq', 7), setval('owner_n_seq', 8), setval('apart', 100), setval('shared', 9)");
  EXPECT_THAT(sequence_differences(source_, target_, {{"public", "owner"}}),
              ElementsAre("behind public.owner_id_seq: 7 | 1", "behind public.owner_n_seq: 8 | 1"));
  EXPECT_THAT(sequence_differences(source_, target_, {{"public", "user_of"}}),
              ElementsAre("behind public.shared: 9 | 1"));
}

TEST_P(Sequences, that_are_missing_or_may_not_be_read_are_told) {
  target_.exec("DROP SEQUENCE apart");
  for (auto* each : {&from_, &to_})
    each->exec("postgres",
               "DO $$BEGIN CREATE ROLE nobody_special LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN END$$");
  for (Database* each : {&source_, &target_})
    each->exec("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO nobody_special");
  source_.exec("REVOKE SELECT ON SEQUENCE shared FROM nobody_special");
  target_.exec("REVOKE SELECT ON SEQUENCE owner_id_seq FROM nobody_special");
  EXPECT_THAT(sequence_differences(from_.tcp_uri(source_.name(), "nobody_special", "x"),
                                   to_.tcp_uri(target_.name(), "nobody_special", "x")),
              ElementsAre("missing public.apart: 10 | -", "target denied public.owner_id_seq: 1 | -",
                          "source denied public.shared: - | 1"));
}

}  // namespace
}  // namespace tributary::postgres::structure
