#include "engine/postgres/pgoutput/relations.h"

#include <gtest/gtest.h>

namespace tributary::postgres::pgoutput {
namespace {

Relations::Table table(RelationId id, const std::string& schema) {
  return std::make_shared<const model::LogTable>(model::LogTable{id, {schema, "t"}, {}, {}});
}

std::string schema_of(const Relations& relations, RelationId id) {
  const Relations::Table* const found = relations.find(id);
  return found == nullptr ? "nothing" : (*found)->name.schema;
}

TEST(ADescription, holds_until_the_next) {
  Relations relations;
  EXPECT_EQ(schema_of(relations, 1), "nothing");
  relations.describe(table(1, "first"), 1);
  relations.describe(table(2, "other"), 2);
  EXPECT_EQ(schema_of(relations, 1), "first");
  relations.describe(table(1, "second"), 3);
  EXPECT_EQ(schema_of(relations, 1), "second");
}

TEST(ADescription, of_a_streamed_transaction_holds_for_it_alone_until_its_end) {
  Relations relations;
  relations.describe(table(1, "shared"), 1);
  relations.begin_streamed();
  EXPECT_EQ(schema_of(relations, 1), "nothing");
  relations.describe(table(1, "streamed"), 2);
  EXPECT_EQ(schema_of(relations, 1), "streamed");
  relations.end_streamed();
  EXPECT_EQ(schema_of(relations, 1), "streamed");
}

TEST(ADescription, of_a_streamed_transaction_yields_to_one_that_arrived_later) {
  Relations relations;
  relations.describe(table(1, "renamed"), 7);
  relations.begin_streamed();
  relations.describe(table(1, "as it was"), 3);
  relations.describe(table(2, "new"), 4);
  EXPECT_EQ(schema_of(relations, 1), "as it was");
  relations.end_streamed();
  EXPECT_EQ(schema_of(relations, 1), "renamed");
  EXPECT_EQ(schema_of(relations, 2), "new");
}

TEST(ADescription, of_one_streamed_transaction_is_not_found_in_another) {
  Relations relations;
  relations.begin_streamed();
  relations.describe(table(1, "one"), 1);
  relations.end_streamed();
  relations.begin_streamed();
  EXPECT_EQ(schema_of(relations, 1), "nothing");
  relations.end_streamed();
  EXPECT_EQ(schema_of(relations, 1), "one");
}

}  // namespace
}  // namespace tributary::postgres::pgoutput
