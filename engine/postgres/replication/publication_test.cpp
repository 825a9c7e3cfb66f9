#include "engine/postgres/replication/publication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

using model::Name;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CatalogTable table(const std::string& name) {
  CatalogTable made;
  made.table.name = {"public", name};
  made.has_usable_identity = true;
  return made;
}

std::vector<std::string> codes(const PublicationReview& review) {
  std::vector<std::string> found;
  for (const api::Finding& each : review.findings) found.push_back(each.code + ": " + each.message);
  return found;
}

TEST(APublicationPlan, leaves_out_what_the_source_could_not_publish_and_says_why) {
  CatalogTable keyless = table("keyless");
  keyless.has_usable_identity = false;
  CatalogTable unlogged = table("unlogged");
  unlogged.table.unlogged = true;
  CatalogTable owned = table("owned");
  owned.extension = "postgis";
  const PublicationPlan plan = plan_publication({table("a"), keyless, unlogged, owned, table("b")});
  EXPECT_THAT(plan.published, ElementsAre(Name{"public", "a"}, Name{"public", "b"}));
  ASSERT_EQ(plan.not_published.size(), 3u);
  EXPECT_EQ(plan.not_published[0].table.name, "keyless");
  EXPECT_THAT(plan.not_published[0].reason, HasSubstr("no identity"));
  EXPECT_THAT(plan.not_published[1].reason, HasSubstr("unlogged"));
  EXPECT_THAT(plan.not_published[2].reason, HasSubstr("postgis"));
}

TEST(APublicationPlan, leaves_out_what_only_another_role_may_add) {
  CatalogTable theirs = table("theirs");
  theirs.owner_apart = "app";
  const PublicationPlan plan = plan_addition({table("a"), theirs}, {});
  EXPECT_THAT(plan.published, ElementsAre(Name{"public", "a"}));
  ASSERT_EQ(plan.not_published.size(), 1u);
  EXPECT_THAT(plan.not_published[0].reason, HasSubstr("belongs to role app"));
  EXPECT_THAT(plan_addition({theirs}, {theirs.table.name}).published, ElementsAre(theirs.table.name));
}

TEST(APublicationStatement, names_each_table_for_itself) {
  EXPECT_EQ(publication_statement("My \"pub\"", {{"public", "a"}, {"S 1", "B"}}),
            "CREATE PUBLICATION \"My \"\"pub\"\"\" FOR TABLE ONLY \"public\".\"a\", ONLY \"S 1\".\"B\""
            " WITH (publish = 'insert, update, delete, truncate')");
  EXPECT_EQ(publication_statement("p", {}),
            "CREATE PUBLICATION \"p\" WITH (publish = 'insert, update, delete, truncate')");
}

TEST(APublicationReview, has_nothing_to_say_of_a_good_one) {
  PublicationState publication;
  publication.tables = {{"public", "a"}, {"public", "more"}};
  const PublicationReview review = review_publication("p", publication, {table("a")});
  EXPECT_THAT(review.plan.published, ElementsAre(Name{"public", "a"}));
  EXPECT_THAT(review.plan.not_published, IsEmpty());
  EXPECT_THAT(review.findings, IsEmpty());
}

TEST(APublicationReview, tells_tables_that_it_does_not_carry) {
  const PublicationReview review = review_publication("p", {}, {table("a")});
  ASSERT_EQ(review.plan.not_published.size(), 1u);
  EXPECT_THAT(review.plan.not_published[0].reason, HasSubstr("publication p does not carry it"));
  ASSERT_THAT(codes(review),
              ElementsAre("PublicationLacksTables: it does not carry public.a: copied, and not followed"));
  EXPECT_EQ(review.findings[0].severity, api::Severity::warning) << "a person may want just that";
  EXPECT_EQ(review.findings[0].hint, "ALTER PUBLICATION \"p\" ADD TABLE ONLY \"public\".\"a\"");
}

TEST(APublicationReview, tells_tables_that_it_does_not_carry_whole_and_how_it_would) {
  PublicationState publication;
  publication.tables = {{"public", "a"}, {"public", "keyless"}};
  publication.filtered = {{"public", "a"}};
  publication.truncate = false;
  CatalogTable keyless = table("keyless");
  keyless.has_usable_identity = false;
  const PublicationPlan plan = review_publication("p", publication, {table("a"), keyless}).plan;
  EXPECT_THAT(plan.published, IsEmpty());
  ASSERT_EQ(plan.not_published.size(), 2u);
  EXPECT_EQ(told(plan.not_published[0]),
            "publication p does not publish truncate, and has a row filter or a column list for it: run on the source: "
            "ALTER PUBLICATION \"p\" SET (publish = 'insert, update, delete, truncate'); ALTER PUBLICATION \"p\" DROP "
            "TABLE ONLY \"public\".\"a\"; ALTER PUBLICATION \"p\" ADD TABLE ONLY \"public\".\"a\";");
  EXPECT_THAT(told(plan.not_published[1]), ::testing::StartsWith("it has no identity"));
  EXPECT_EQ(plan.not_published[1].remedy, "");
}

TEST(APublicationReview, finds_operations_that_are_not_published) {
  PublicationState publication;
  publication.tables = {{"public", "a"}};
  publication.remove = publication.truncate = false;
  EXPECT_THAT(codes(review_publication("p", publication, {table("a")})),
              ElementsAre("PublicationOperations: it does not publish delete, truncate"));
}

TEST(APublicationReview, finds_filters_of_a_table_or_of_one_above_it) {
  PublicationState publication;
  publication.tables = {{"public", "a"}, {"public", "b"}, {"public", "leaf"}};
  publication.filtered = {{"public", "a"}, {"public", "root"}};
  CatalogTable leaf = table("leaf");
  leaf.partition_of = {{"public", "root"}};
  EXPECT_THAT(codes(review_publication("p", publication, {table("a"), table("b"), leaf})),
              ElementsAre("PublicationFilters: it has a row filter or a column list for public.a, public.leaf"));
}

TEST(APublicationReview, finds_partitions_that_would_appear_as_their_root) {
  PublicationState publication;
  publication.via_root = true;
  publication.tables = {{"public", "root"}, {"public", "a"}};
  CatalogTable leaf = table("leaf");
  leaf.partition_of = {{"public", "middle"}, {"public", "root"}};
  EXPECT_THAT(codes(review_publication("p", publication, {table("a"), leaf})),
              ElementsAre("PublicationViaRoot: it publishes partitions as their root: public.leaf"));
  EXPECT_THAT(codes(review_publication("p", publication, {table("a")})), IsEmpty());
}

}  // namespace
}  // namespace tributary::postgres
