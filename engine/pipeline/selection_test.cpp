#include "engine/pipeline/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tributary::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Kind = NamePattern::Kind;

NamePattern table(const std::string& text) {
  const Result<NamePattern> pattern = NamePattern::parse(text, Kind::table);
  EXPECT_TRUE(pattern) << text;
  return *pattern;
}

using Entries = std::vector<std::string>;

// Spells a selection by the lists that it has.
class Given {
 public:
  Given& include_databases(Entries entries) { return set(selection_.include_databases, std::move(entries)); }
  Given& exclude_databases(Entries entries) { return set(selection_.exclude_databases, std::move(entries)); }
  Given& include_tables(Entries entries) { return set(selection_.include_tables, std::move(entries)); }
  Given& exclude_tables(Entries entries) { return set(selection_.exclude_tables, std::move(entries)); }
  const api::Selection& selection() const { return selection_; }

 private:
  Given& set(Entries& list, Entries entries) {
    list = std::move(entries);
    return *this;
  }
  api::Selection selection_;
};

Selection parsed(const Given& given) {
  Result<Selection> selection = Selection::parse(given.selection());
  EXPECT_TRUE(selection);
  return *selection;
}

TEST(NamePattern, two_parts_mean_schema_public) {
  EXPECT_TRUE(table("app.orders").matches("app", {"public", "orders"}));
  EXPECT_FALSE(table("app.orders").matches("app", {"sales", "orders"}));
  EXPECT_FALSE(table("app.orders").matches("other", {"public", "orders"}));
}

TEST(NamePattern, three_parts_name_the_schema) {
  EXPECT_TRUE(table("app.sales.orders").matches("app", {"sales", "orders"}));
  EXPECT_FALSE(table("app.sales.orders").matches("app", {"public", "orders"}));
}

TEST(NamePattern, a_star_stays_inside_its_part) {
  const std::vector<std::tuple<std::string, std::string, bool>> cases = {
      {"a.s.*", "orders", true},     {"a.s.ord*", "orders", true},   {"a.s.*ers", "orders", true},
      {"a.s.o*d*s", "orders", true}, {"a.s.o*x*s", "orders", false}, {"a.s.orders*", "orders", true},
      {"a.s.**", "orders", true},    {"a.s.*a*b*", "aab", true},     {"a.s.*aab", "aaaab", true},
      {"a.s.*a", "aab", false},      {"a.s.ord*", "Orders", false},  {"a.s.o", "orders", false},
  };
  for (const auto& [pattern, name, expected] : cases) {
    EXPECT_EQ(table(pattern).matches("a", {"s", name}), expected) << pattern << " on " << name;
  }
  EXPECT_TRUE(table("*.public.t").matches("any", {"public", "t"}));
  EXPECT_FALSE(table("a.*").matches("a", {"s", "t"})) << "two parts, so the schema is public";
}

TEST(NamePattern, quoted_parts_are_literal) {
  EXPECT_TRUE(table(R"(app."Mixed Case"."t-1")").matches("app", {"Mixed Case", "t-1"}));
  EXPECT_TRUE(table(R"(app."a.b"."say ""hi""")").matches("app", {"a.b", "say \"hi\""}));
  EXPECT_TRUE(table(R"("my.db"."*")").matches("my.db", {"public", "*"}));
  EXPECT_FALSE(table(R"("my.db"."*")").matches("my.db", {"public", "orders"}));
}

TEST(NamePattern, case_is_not_folded) {
  EXPECT_TRUE(table("app.Orders").matches("app", {"public", "Orders"}));
  EXPECT_FALSE(table("app.Orders").matches("app", {"public", "orders"}));
}

TEST(NamePattern, what_is_malformed_is_refused_with_its_text) {
  for (const std::string text :
       {"", "orders", "a.", ".a", "a..b", "a.b.c.d", R"(a."b)", R"(a."b"c)", R"(a.b"c")", R"(a."")"}) {
    const Result<NamePattern> pattern = NamePattern::parse(text, Kind::table);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().fault, Fault::invalid);
    EXPECT_THAT(pattern.error().what, HasSubstr("'" + text + "'"));
  }
}

TEST(NamePattern, a_database_entry_may_hold_a_dot) {
  EXPECT_TRUE(NamePattern::parse("my.db", Kind::database)->matches_database("my.db"));
  EXPECT_TRUE(NamePattern::parse(R"("my*")", Kind::database)->matches_database("my*"));
  EXPECT_FALSE(NamePattern::parse(R"("my*")", Kind::database)->matches_database("my1"));
}

std::string quoted(const std::string& part) {
  std::string text = "\"";
  for (const char c : part) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

TEST(NamePattern, any_names_that_are_quoted_match_themselves_and_nothing_else) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet = "ab.*\" \\'Z\xC3\xA4";
  const auto name = [&] {
    std::string text;
    const auto size = 1 + random() % 8;
    while (text.size() < size) text += alphabet[random() % alphabet.size()];
    return text;
  };
  for (int i = 0; i < 20000; ++i) {
    const std::string database = name(), schema = name(), relation = name(), other = name();
    const NamePattern pattern = table(quoted(database) + "." + quoted(schema) + "." + quoted(relation));
    ASSERT_TRUE(pattern.matches(database, {schema, relation}));
    ASSERT_EQ(pattern.matches(database, {schema, other}), other == relation);
    ASSERT_EQ(pattern.matches(database, {other, relation}), other == schema);
    ASSERT_FALSE(pattern.has_wildcard());
  }
}

TEST(NamePattern, any_text_is_parsed_or_refused) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet = std::string("a.*\"", 4) + '\0';
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    const auto size = random() % 12;
    while (text.size() < size) text += alphabet[random() % alphabet.size()];
    const Result<NamePattern> pattern = NamePattern::parse(text, Kind::table);
    if (pattern) {
      ASSERT_EQ(pattern->text(), text);
    }
  }
}

TEST(Selection, the_default_is_the_uris_own_database_whole) {
  const Selection selection = parsed(Given());
  EXPECT_TRUE(selection.own_database_only());
  EXPECT_THAT(selection.databases({"app", "postgres", "rdsadmin"}, "app"), ElementsAre("app"));
  EXPECT_THAT(selection.databases({"app", "postgres"}, "postgres"), ElementsAre("postgres"));
  EXPECT_TRUE(selection.selects_table("app", {"any", "table"}));
  EXPECT_FALSE(selection.names_databases("app"));
}

TEST(Selection, a_star_is_every_database_but_the_providers_own) {
  const std::vector<std::string> all = {"app",      "azure_maintenance", "azure_sys", "cloudsqladmin",
                                        "postgres", "rdsadmin",          "shop"};
  EXPECT_THAT(parsed(Given().include_databases({"*"})).databases(all, "app"), ElementsAre("app", "shop"));
  EXPECT_THAT(parsed(Given().include_databases({"*"})).databases(all, "postgres"),
              ElementsAre("app", "postgres", "shop"));
  EXPECT_THAT(parsed(Given().include_databases({"*", "postgres"})).databases(all, "app"),
              ElementsAre("app", "postgres", "shop"));
  EXPECT_THAT(parsed(Given().exclude_databases({"sh*"})).databases(all, "app"), ElementsAre("app"));
}

TEST(Selection, included_tables_imply_their_databases) {
  const Selection selection = parsed(Given().include_tables({"shop.orders", "app.sales.*"}));
  EXPECT_THAT(selection.databases({"app", "other", "shop"}, "other"), ElementsAre("app", "shop"));
  EXPECT_TRUE(selection.names_databases("app"));
  EXPECT_TRUE(selection.selects_table("app", {"sales", "x"}));
  EXPECT_FALSE(selection.selects_table("app", {"public", "x"}));
  EXPECT_FALSE(selection.all_tables_of("app"));
}

TEST(Selection, tables_of_the_uris_own_database_do_not_name_databases) {
  EXPECT_FALSE(parsed(Given().include_tables({"app.orders", "app.s.*"})).names_databases("app"));
  EXPECT_TRUE(parsed(Given().include_tables({"*.public.orders"})).names_databases("app"));
  EXPECT_FALSE(parsed(Given().exclude_tables({"app.orders"})).names_databases("app"));
}

TEST(Selection, only_the_uris_own_database_takes_the_targets_name) {
  EXPECT_EQ(parsed(Given()).target_of("app", "app", "copy"), "copy");
  EXPECT_EQ(parsed(Given()).target_of("app", "app", ""), "app");
  EXPECT_EQ(parsed(Given().include_tables({"app.orders"})).target_of("app", "app", "copy"), "copy");
  EXPECT_EQ(parsed(Given().include_databases({"app"})).target_of("app", "app", "copy"), "app");
}

TEST(Selection, excluded_tables_leave_the_rest) {
  const Selection selection = parsed(Given().exclude_tables({"app.audit.*", "app.tmp_*"}));
  EXPECT_FALSE(selection.selects_table("app", {"audit", "log"}));
  EXPECT_FALSE(selection.selects_table("app", {"public", "tmp_1"}));
  EXPECT_TRUE(selection.selects_table("app", {"public", "orders"}));
  EXPECT_FALSE(selection.all_tables_of("app"));
  EXPECT_TRUE(selection.all_tables_of("shop"));
}

TEST(Selection, entries_choose_among_the_tables_of_the_databases_that_they_are_about) {
  const Selection excluded = parsed(Given().include_databases({"a", "b"}).exclude_tables({"a.x"}));
  EXPECT_THAT(excluded.table_entries_of("a"), ElementsAre("-a.x"));
  EXPECT_THAT(excluded.table_entries_of("b"), IsEmpty());
  EXPECT_TRUE(excluded.all_tables_of("b"));
  const Selection included = parsed(Given().include_tables({"b.y", "*.s.x", "a.z"}));
  EXPECT_THAT(included.table_entries_of("a"), ElementsAre("+*.s.x", "+a.z"));
  EXPECT_THAT(included.table_entries_of("b"), ElementsAre("+*.s.x", "+b.y"));
  EXPECT_FALSE(included.all_tables_of("a"));
  EXPECT_FALSE(included.all_tables_of("b"));
  EXPECT_THAT(parsed(Given().include_databases({"a"})).table_entries_of("a"), IsEmpty());
}

TEST(Selection, the_order_and_repetition_of_entries_mean_nothing) {
  EXPECT_EQ(parsed(Given().include_tables({"a.x", "a.y", "a.x"})).table_entries_of("a"),
            parsed(Given().include_tables({"a.y", "a.x"})).table_entries_of("a"));
}

TEST(Selection, a_partitioned_table_stands_for_its_partitions) {
  const std::vector<model::Name> above = {{"parts", "events_2026"}, {"public", "events"}};
  EXPECT_TRUE(parsed(Given().include_tables({"app.events"})).selects_table("app", {"parts", "events_2026_01"}, above));
  EXPECT_FALSE(parsed(Given().exclude_tables({"app.events"})).selects_table("app", {"parts", "events_2026_01"}, above));
  EXPECT_FALSE(parsed(Given().include_tables({"app.events"})).selects_table("app", {"parts", "events_2026_01"}));
}

TEST(Selection, include_and_exclude_at_one_level_contradict) {
  EXPECT_FALSE(Selection::parse(Given().include_databases({"a"}).exclude_databases({"b"}).selection()));
  EXPECT_FALSE(Selection::parse(Given().include_tables({"a.b"}).exclude_tables({"a.c"}).selection()));
  EXPECT_TRUE(Selection::parse(Given().include_databases({"a"}).exclude_tables({"a.c"}).selection()));
}

std::vector<DatabaseTables> held() {
  return {{"app", {{{"public", "orders"}, {}}, {{"public", "p1"}, {{"public", "events"}}}, {{"Sales", "Items"}, {}}}}};
}

TEST(Selection, an_entry_that_matches_nothing_is_listed_with_what_looks_like_it) {
  const Selection selection = parsed(Given().include_tables({"app.order", "app.events", "app.zzzzzz"}));
  const std::vector<Unmatched> unmatched = selection.unmatched({"app"}, "app", held());
  ASSERT_EQ(unmatched.size(), 2U);
  EXPECT_EQ(unmatched[0].list, "includeTables");
  EXPECT_EQ(unmatched[0].entry, "app.order");
  EXPECT_THAT(unmatched[0].near, ElementsAre("app.orders"));
  EXPECT_THAT(unmatched[1].near, IsEmpty());
  EXPECT_THAT(
      tributary::describe(describe(unmatched[0])),
      HasSubstr("includeTables entry 'app.order' matches nothing on the source (hint: did you mean app.orders)"));
}

TEST(Selection, a_near_name_may_differ_in_case_only) {
  const std::vector<Unmatched> unmatched =
      parsed(Given().exclude_tables({"app.sales.items"})).unmatched({"app"}, "app", held());
  ASSERT_EQ(unmatched.size(), 1U);
  EXPECT_THAT(unmatched[0].near, ElementsAre(R"(app."Sales"."Items")"));
}

TEST(Selection, an_excluded_pattern_may_match_nothing_but_an_excluded_name_may_not) {
  EXPECT_THAT(parsed(Given().exclude_tables({"app.tmp_*"})).unmatched({"app"}, "app", held()), IsEmpty());
  EXPECT_EQ(parsed(Given().exclude_tables({"app.tmp"})).unmatched({"app"}, "app", held()).size(), 1U);
  EXPECT_EQ(parsed(Given().include_tables({"app.tmp_*"})).unmatched({"app"}, "app", held()).size(), 1U);
}

TEST(Selection, a_database_entry_that_matches_nothing_is_listed) {
  const std::vector<Unmatched> unmatched =
      parsed(Given().include_databases({"ap", "app"})).unmatched({"app"}, "app", held());
  ASSERT_EQ(unmatched.size(), 1U);
  EXPECT_THAT(unmatched[0].near, ElementsAre("app"));
}

TEST(Selection, an_included_database_without_an_included_table_is_said) {
  const Selection selection = parsed(Given().include_databases({"app", "shop"}).include_tables({"app.orders"}));
  EXPECT_THAT(selection.databases({"app", "shop"}, "app"), ElementsAre("app"));
  const std::vector<Unmatched> unmatched = selection.unmatched({"app", "shop"}, "app", held());
  ASSERT_EQ(unmatched.size(), 1U);
  EXPECT_THAT(describe(unmatched[0]).what,
              HasSubstr("includeDatabases entry 'shop' matches no database that an entry of includeTables is in"));
}

}  // namespace
}  // namespace tributary::pipeline
