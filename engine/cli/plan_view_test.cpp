#include "engine/cli/plan_view.h"

#include <gmock/gmock.h>

namespace tributary::cli {
namespace {

using testing::HasSubstr;

pipeline::SnapshotPlan example() {
  pipeline::SnapshotPlan plan;
  plan.parallelism = 2;
  plan.databases.push_back({"shop", "store", {}, 12, Seconds(95)});
  plan.databases[0].tables.push_back({"public.orders", 2'000'000, 1234, 2, model::CopyFormat::binary});
  plan.databases[0].tables.push_back({"public.\"Tags\"", 8192, -1, 1, model::CopyFormat::text});
  return plan;
}

TEST(PlanText, shows_tables_in_the_order_of_their_copy_and_their_sum) {
  EXPECT_EQ(plan_text(example(), {}),
            "database shop to store: 2 tables, 2.0 MB, 12 schema statements, about 1m35s\n"
            "TABLE          SIZE    ROWS         PARTS  FORMAT\n"
            "public.orders  2.0 MB  about 1,234  2      binary\n"
            "public.\"Tags\"  8.2 kB  unknown      1      text\n"
            "\n"
            "would copy 2 tables of 1 database, 2.0 MB, in 2 streams, about 1m35s; nothing was changed\n");
}

TEST(PlanText, begins_with_the_warnings) {
  pipeline::SnapshotPlan plan = example();
  plan.findings.push_back({api::Severity::warning, "OldSource", "source", "is old", ""});
  EXPECT_THAT(plan_text(plan, {}), testing::StartsWith("RESULT"));
}

TEST(PlanText, lets_no_name_reach_the_terminal_unfiltered) {
  pipeline::SnapshotPlan plan = example();
  plan.databases[0].source = "a\x1b[2J";
  plan.databases[0].tables[0].name = "b\x1b[2J";
  EXPECT_EQ(plan_text(plan, {}).find('\x1b'), std::string::npos);
}

TEST(PlanText, of_a_database_without_tables_has_no_header) {
  pipeline::SnapshotPlan plan;
  plan.parallelism = 1;
  plan.databases.push_back({"a", "a", {}, 1, Seconds(2)});
  EXPECT_EQ(plan_text(plan, {}),
            "database a to a: 0 tables, 0 B, 1 schema statement, about 2s\n\n"
            "would copy 0 tables of 1 database, 0 B, in 1 stream, about 2s; nothing was changed\n");
}

TEST(PlanJson, is_one_object) {
  EXPECT_EQ(plan_json(example()),
            R"({"version":1,"parallelism":2,"databases":[{"source":"shop","target":"store","steps":12,)"
            R"("estimatedSeconds":95,"tables":[)"
            R"({"name":"public.orders","bytes":2000000,"rows":1234,"parts":2,"format":"binary"},)"
            R"({"name":"public.\"Tags\"","bytes":8192,"rows":null,"parts":1,"format":"text"}]}],"findings":[]})");
}

TEST(PlanJson, takes_names_that_are_no_utf8) {
  pipeline::SnapshotPlan plan = example();
  plan.databases[0].source = "\xff";
  EXPECT_THAT(plan_json(plan), HasSubstr("\"store\""));
}

}  // namespace
}  // namespace tributary::cli
