#include "engine/postgres/copy_format.h"

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

TEST(ChooseFormat, EqualShapesGoBinary) {
  EXPECT_EQ(choose_format(table({column("a")}), shapes({{"a", "int4"}}), shapes({{"a", "int4"}})), CopyFormat::binary);
}

TEST(ChooseFormat, OneUnequalColumnMakesTheTableText) {
  EXPECT_EQ(choose_format(table({column("a"), column("b")}), shapes({{"a", "int4"}, {"b", "int4"}}),
                          shapes({{"a", "int4"}, {"b", "int8"}})),
            CopyFormat::text);
}

TEST(ChooseFormat, AShapeThatIsEmptyOnBothEndsIsText) {
  EXPECT_EQ(choose_format(table({column("a")}), shapes({{"a", ""}}), shapes({{"a", ""}})), CopyFormat::text);
}

TEST(ChooseFormat, AMissingColumnOrTableIsText) {
  EXPECT_EQ(choose_format(table({column("a")}), shapes({{"a", "int4"}}), shapes({})), CopyFormat::text);
  EXPECT_EQ(choose_format(table({column("a")}), shapes({{"a", "int4"}}), {}), CopyFormat::text);
}

TEST(ChooseFormat, PartsWithUserTypesNeedALenientTarget) {
  const ColumnShapes columns = {{"a", "{^enum}"}};
  EXPECT_EQ(choose_format(table({column("a")}), shapes(columns), shapes(columns, 140000)), CopyFormat::binary);
  EXPECT_EQ(choose_format(table({column("a")}), shapes(columns), shapes(columns, 130022)), CopyFormat::text);
}

TEST(ChooseFormat, AGeneratedColumnDoesNotCount) {
  EXPECT_EQ(choose_format(table({column("a"), column("g", true)}), shapes({{"a", "int4"}, {"g", ""}}),
                          shapes({{"a", "int4"}})),
            CopyFormat::binary);
}

TEST(ChooseFormat, ATableWithoutColumnsGoesBinary) {
  EXPECT_EQ(choose_format(table({}), {}, {}), CopyFormat::binary);
}

}  // namespace
}  // namespace tributary::postgres
