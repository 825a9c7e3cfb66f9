#include "engine/postgres/replication/publication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/testing/source_sessions.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* name = "tributary of \"Shop\"";

class APublication : public ::testing::TestWithParam<int> {
 protected:
  std::vector<CatalogTable> tables() { return read_tables(source_, soon()).value(); }
  bool ensure(const std::vector<model::Name>& wanted) {
    const auto changed = ensure_publication(source_, name, wanted, soon());
    EXPECT_TRUE(changed) << changed.error().what;
    return *changed;
  }
  std::vector<std::string> published() {
    std::vector<std::string> names;
    for (const auto& row : database_.query("SELECT format('%I.%I', schemaname, tablename) COLLATE \"C\" AS name"
                                           " FROM pg_publication_tables WHERE pubname = 'tributary of \"Shop\"'"
                                           " ORDER BY name"))
      names.push_back(*row[0]);
    return names;
  }

  testbed::Database database_{testbed::server(GetParam()).create_database("publication")};
  Connection source_ = ordinary_session(database_);
};
INSTANTIATE_TEST_SUITE_P(Majors, APublication, ::testing::Values(13, 15, 17, 18));

TEST_P(APublication, that_a_stream_depends_on_is_not_made_anew) {
  database_.exec("CREATE TABLE t (id int PRIMARY KEY)");
  const auto brought = bring_publication(source_, name, {{"public", "t"}}, soon());
  ASSERT_FALSE(brought);
  EXPECT_EQ(brought.error().fault, Fault::lost);
  EXPECT_EQ(database_.scalar("SELECT count(*) FROM pg_publication"), "0");
}

TEST_P(APublication, that_an_event_trigger_refuses_is_told_of_by_its_statement_and_not_tried_again) {
  database_.exec(
      "CREATE TABLE t (id int PRIMARY KEY); CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS"
      " $$ BEGIN RAISE EXCEPTION 'no'; END $$; CREATE EVENT TRIGGER refuse ON ddl_command_start EXECUTE FUNCTION"
      " refuse()");
  const auto made = ensure_publication(source_, name, {{"public", "t"}}, soon());
  database_.exec("DROP EVENT TRIGGER refuse");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().fault, Fault::invalid);
  EXPECT_THAT(made.error().what,
              ::testing::HasSubstr("CREATE PUBLICATION \"tributary of \"\"Shop\"\"\" on the source: "));
  EXPECT_THAT(made.error().hint, ::testing::HasSubstr("event trigger"));
}

TEST_P(APublication, never_stops_the_writes_of_those_whose_tables_it_may_not_carry) {
  database_.exec(
      "CREATE TABLE good (id int PRIMARY KEY, t text);"
      "CREATE TABLE whole (id int, t text); ALTER TABLE whole REPLICA IDENTITY FULL;"
      "CREATE TABLE keyless (id int, t text);"
      "CREATE TABLE late (id int, t text, PRIMARY KEY (id) DEFERRABLE);"
      "CREATE TABLE computed (id int, t text, g int GENERATED ALWAYS AS (id * 2) STORED PRIMARY KEY);"
      "CREATE TABLE nothing (id int PRIMARY KEY, t text); ALTER TABLE nothing REPLICA IDENTITY NOTHING;"
      "CREATE TABLE whole_computed (id int, t text, g int GENERATED ALWAYS AS (id * 2) STORED);"
      "ALTER TABLE whole_computed REPLICA IDENTITY FULL;"
      "CREATE UNLOGGED TABLE forgetful (id int PRIMARY KEY, t text)");
  if (GetParam() >= 18)
    database_.exec(
        "CREATE TABLE whole_virtual (id int, t text, g int GENERATED ALWAYS AS (id * 2) VIRTUAL);"
        "ALTER TABLE whole_virtual REPLICA IDENTITY FULL");
  const std::vector<CatalogTable> all = tables();
  const PublicationPlan plan = plan_publication(all);
  EXPECT_TRUE(ensure(plan.published));
  std::vector<std::string> expected{"public.good", "public.whole"};
  if (GetParam() < 18) expected.push_back("public.whole_computed");
  EXPECT_EQ(published(), expected);
  EXPECT_EQ(plan.published.size() + plan.not_published.size(), all.size());
  for (const CatalogTable& each : all) {
    const std::string& table = each.table.name.name;
    EXPECT_NO_THROW(database_.exec("INSERT INTO " + table + " (id, t) VALUES (1, 'a')")) << table;
    EXPECT_NO_THROW(database_.exec("UPDATE " + table + " SET t = 'b'")) << table;
    EXPECT_NO_THROW(database_.exec("DELETE FROM " + table)) << table;
  }
}

TEST_P(APublication, carries_partitions_leaf_by_leaf_and_no_child_of_a_parent) {
  database_.exec(
      "CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE leaf_1 PARTITION OF root FOR VALUES FROM (1) TO (10);"
      "CREATE TABLE leaf_2 PARTITION OF root FOR VALUES FROM (10) TO (20);"
      "CREATE TABLE parent (id int PRIMARY KEY);"
      "CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent)");
  ensure({{"public", "leaf_1"}, {"public", "parent"}});
  EXPECT_THAT(published(), ElementsAre("public.leaf_1", "public.parent"));
  EXPECT_EQ(database_.scalar("SELECT pubviaroot OR puballtables OR NOT (pubinsert AND pubupdate AND pubdelete"
                             " AND pubtruncate) FROM pg_publication"),
            "f");
}

TEST_P(APublication, is_brought_to_what_is_wanted) {
  database_.exec(
      "CREATE SCHEMA \"S 1\"; CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);"
      "CREATE TABLE \"S 1\".\"it's \"\"C\"\"\" (id int PRIMARY KEY)");
  const model::Name a{"public", "a"};
  const model::Name b{"public", "b"};
  const model::Name c{"S 1", "it's \"C\""};
  EXPECT_TRUE(ensure({a, c}));
  EXPECT_FALSE(ensure({a, c}));
  EXPECT_THAT(published(), ElementsAre("\"S 1\".\"it's \"\"C\"\"\"", "public.a"));
  EXPECT_TRUE(ensure({b, c}));
  EXPECT_THAT(published(), ElementsAre("\"S 1\".\"it's \"\"C\"\"\"", "public.b"));
  database_.exec(
      "ALTER PUBLICATION \"tributary of \"\"Shop\"\"\" SET (publish = 'insert',"
      " publish_via_partition_root = true)");
  EXPECT_TRUE(ensure({b, c}));
  EXPECT_FALSE(ensure({b, c}));
  EXPECT_TRUE(ensure({}));
  EXPECT_THAT(published(), IsEmpty());
  ASSERT_TRUE(drop_publication(source_, name, soon()));
  EXPECT_TRUE(drop_publication(source_, name, soon()));
  EXPECT_EQ(database_.scalar("SELECT count(*) FROM pg_publication"), "0");
}

TEST_P(APublication, of_thousands_of_tables_is_made_in_batches) {
  constexpr int count = 1500;
  database_.exec("SET client_min_messages = error; DO $$BEGIN FOR i IN 1 .. " + std::to_string(count) +
                 " LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY)', i); END LOOP; END$$");
  std::vector<model::Name> all;
  for (int i = 1; i <= count; ++i) all.push_back({"public", "t" + std::to_string(i)});
  EXPECT_TRUE(ensure(all));
  EXPECT_EQ(published().size(), static_cast<std::size_t>(count));
  EXPECT_FALSE(ensure(all));
}

TEST_P(APublication, made_by_the_statement_that_a_person_is_shown_is_as_good) {
  database_.exec("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE \"B\" (id int PRIMARY KEY)");
  const PublicationPlan plan = plan_publication(tables());
  database_.exec(publication_statement(name, plan.published));
  const auto found = read_publication(source_, name, soon());
  ASSERT_TRUE(found && *found);
  const PublicationReview review = review_publication(name, **found, tables());
  EXPECT_EQ(review.plan.published, plan.published);
  EXPECT_THAT(review.findings, IsEmpty());
  EXPECT_FALSE(ensure(plan.published));
  EXPECT_FALSE(read_publication(source_, "nobody's", soon()).value());
}

TEST_P(APublication, of_all_tables_carries_each_of_them) {
  database_.exec(
      "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (1) TO (10)");
  database_.exec("CREATE PUBLICATION everything FOR ALL TABLES");
  const auto found = read_publication(source_, "everything", soon());
  ASSERT_TRUE(found && *found);
  const PublicationReview review = review_publication("everything", **found, tables());
  EXPECT_THAT(review.plan.published, ElementsAre(model::Name{"public", "a"}, model::Name{"public", "leaf"}));
  EXPECT_THAT(review.findings, IsEmpty());
  database_.exec("ALTER PUBLICATION everything SET (publish_via_partition_root = true)");
  const auto changed = read_publication(source_, "everything", soon());
  const PublicationReview second = review_publication("everything", **changed, tables());
  ASSERT_EQ(second.findings.size(), 1u);
  EXPECT_EQ(second.findings[0].code, "PublicationViaRoot");
}

class AFilteredPublication : public APublication {};
INSTANTIATE_TEST_SUITE_P(Majors, AFilteredPublication, ::testing::Values(15, 17, 18));

TEST_P(AFilteredPublication, is_found_and_our_own_is_freed_of_its_filters) {
  database_.exec(
      "CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY, t text);"
      "CREATE TABLE c (id int PRIMARY KEY)");
  database_.exec("CREATE PUBLICATION \"tributary of \"\"Shop\"\"\" FOR TABLE a WHERE (id > 0), b (id), c");
  const auto found = read_publication(source_, name, soon());
  ASSERT_TRUE(found && *found);
  const PublicationReview review = review_publication(name, **found, tables());
  ASSERT_EQ(review.findings.size(), 1u);
  EXPECT_EQ(review.findings[0].message, "it has a row filter or a column list for public.a, public.b");
  EXPECT_TRUE(ensure(plan_publication(tables()).published));
  EXPECT_THAT((*read_publication(source_, name, soon()))->filtered, IsEmpty());
  EXPECT_THAT(published(), ElementsAre("public.a", "public.b", "public.c"));
}

}  // namespace
}  // namespace tributary::postgres
