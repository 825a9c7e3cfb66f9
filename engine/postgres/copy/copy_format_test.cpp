#include "engine/postgres/copy/copy_format.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

using model::CopyFormat;

model::Table table(std::vector<model::Column> columns) {
  model::Table made;
  made.name = {"public", "t"};
  made.columns = std::move(columns);
  return made;
}

model::Column column(const std::string& name, bool generated = false) {
  model::Column made;
  made.name = name;
  made.generated = generated;
  return made;
}

Shapes shapes(ColumnShapes columns, int version = 150000) {
  Shapes made;
  made.server_version = version;
  made.tables[{"public", "t"}] = std::move(columns);
  return made;
}

TEST(ChooseFormat, equal_shapes_go_binary) {
  EXPECT_EQ(choose_format(table({column("a")}), shapes({{"a", "int4"}}), shapes({{"a", "int4"}})), CopyFormat::binary);
}

TEST(ChooseFormat, one_unequal_column_makes_the_table_text) {
  EXPECT_EQ(choose_format(table({column("a"), column("b")}), shapes({{"a", "int4"}, {"b", "int4"}}),
                          shapes({{"a", "int4"}, {"b", "int8"}})),
            CopyFormat::text);
}

TEST(ChooseFormat, a_shape_that_is_empty_on_both_ends_is_text) {
  EXPECT_EQ(choose_format(table({column("a")}), shapes({{"a", ""}}), shapes({{"a", ""}})), CopyFormat::text);
}

TEST(ChooseFormat, a_missing_column_or_table_is_text) {
  EXPECT_EQ(choose_format(table({column("a")}), shapes({{"a", "int4"}}), shapes({})), CopyFormat::text);
  EXPECT_EQ(choose_format(table({column("a")}), shapes({{"a", "int4"}}), {}), CopyFormat::text);
}

TEST(ChooseFormat, parts_with_user_types_need_a_lenient_target) {
  const ColumnShapes columns = {{"a", "{^enum}"}};
  EXPECT_EQ(choose_format(table({column("a")}), shapes(columns), shapes(columns, 140000)), CopyFormat::binary);
  EXPECT_EQ(choose_format(table({column("a")}), shapes(columns), shapes(columns, 130022)), CopyFormat::text);
}

TEST(ChooseFormat, a_generated_column_does_not_count) {
  EXPECT_EQ(choose_format(table({column("a"), column("g", true)}), shapes({{"a", "int4"}, {"g", ""}}),
                          shapes({{"a", "int4"}})),
            CopyFormat::binary);
}

TEST(ChooseFormat, a_table_without_columns_goes_binary) {
  EXPECT_EQ(choose_format(table({}), {}, {}), CopyFormat::binary);
}

}  // namespace
}  // namespace tributary::postgres
