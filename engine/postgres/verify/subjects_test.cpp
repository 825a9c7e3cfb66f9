#include "engine/postgres/verify/subjects.h"

#include <gtest/gtest.h>

namespace tributary::postgres::verify {
namespace {

model::Name name(const std::string& table) {
  return {"public", table};
}

CatalogTable leaf(const std::string& table, std::vector<model::Name> above = {}) {
  CatalogTable catalog;
  catalog.table.name = name(table);
  catalog.partition_of = std::move(above);
  return catalog;
}

const std::vector<CatalogTable> tables{leaf("plain"), leaf("y1m1", {name("y1"), name("log")}),
                                       leaf("y1m2", {name("y1"), name("log")}), leaf("y2", {name("log")})};

std::vector<model::Name> compared(const Selects& selects, const std::set<model::Name>& on_target) {
  std::vector<model::Name> names;
  for (const Subject& subject : subjects_of(tables, selects, on_target)) names.push_back(subject.name);
  return names;
}

const Selects all = [](const model::Name&, const std::vector<model::Name>&) { return true; };

TEST(Subjects, are_partitioned_tables_as_the_highest_that_the_target_has) {
  EXPECT_EQ(compared(all, {name("log"), name("plain")}), (std::vector{name("plain"), name("log")}));
  EXPECT_EQ(compared(all, {name("y1"), name("y2")}), (std::vector{name("plain"), name("y1"), name("y2")}));
  EXPECT_EQ(compared(all, {}), (std::vector{name("plain"), name("y1m1"), name("y1m2"), name("y2")}));
}

TEST(Subjects, know_the_tables_that_they_consist_of) {
  const std::vector<Subject> subjects = subjects_of(tables, all, {name("log")});
  EXPECT_EQ(subjects.back().tables, (std::vector{name("y1m1"), name("y1m2"), name("y2")}));
}

TEST(Subjects, are_no_partitioned_tables_of_which_a_part_is_not_selected) {
  const Selects but_one = [](const model::Name& table, const std::vector<model::Name>&) {
    return table != name("y1m2");
  };
  EXPECT_EQ(compared(but_one, {name("log"), name("y1"), name("y2")}),
            (std::vector{name("plain"), name("y1m1"), name("y2")}));
}

TEST(Subjects, that_the_role_may_not_read_are_not_comparable) {
  std::vector<CatalogTable> closed = tables;
  closed[3].may_select = false;
  const std::vector<Subject> subjects = subjects_of(closed, all, {name("log")});
  EXPECT_EQ(subjects[0].not_comparable, "");
  EXPECT_NE(subjects[1].not_comparable, "");
}

}  // namespace
}  // namespace tributary::postgres::verify
