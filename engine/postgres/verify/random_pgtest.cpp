#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/text.h"
#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/verify/comparison.h"
#include "engine/postgres/verify/testing/random_table.h"
#include "engine/postgres/verify/testing/repair_steps.h"
#include "engine/testing/postgres_server.h"
#include "engine/testing/seeds.h"

// Tables of all types that are drawn at random, on two servers that hold the same in different ways: nothing may be
// said to differ; then rows are changed, and these must be named, all and no others, and the statements that are
// written must mend them. TRIBUTARY_SEEDS says how many pairs of databases with ten schemas each, TRIBUTARY_SEED draws
// once what that seed draws.
namespace tributary::postgres::verify {
namespace {

using api::Comparison;
using testbed::RandomColumn;
using testbed::RandomTable;
using testbed::Row;
using testbed::Session;
using testbed::Side;
using Kind = api::RowDifference::Kind;

constexpr std::size_t schemas = 10;

// Of both databases of a seed.
struct Setting {
  int majors[2] = {12, 12};
  testbed::ValueRules rules;
  std::string options[2];
};

std::string draw_locale(testbed::Random& random, int major) {
  std::vector<std::string> locales{"LC_COLLATE 'C' LC_CTYPE 'C'", "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"};
  if (major >= 15) locales.push_back("LOCALE_PROVIDER icu ICU_LOCALE 'de' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'");
  if (major >= 17) locales.push_back("LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'");
  return " ENCODING 'UTF8' TEMPLATE template0 " + random.pick(locales);
}

Setting draw_setting(testbed::Random& random) {
  Setting setting;
  for (int& major : setting.majors) major = random.between(12, 18);
  setting.rules.major = std::min(setting.majors[0], setting.majors[1]);
  for (int side = 0; side < 2; ++side) setting.options[side] = draw_locale(random, setting.majors[side]);
  if (random.once_in(3)) {
    const bool is_latin = random.once_in(2);
    setting.rules.alphabet = is_latin ? testbed::Alphabet::latin : testbed::Alphabet::cyrillic;
    setting.options[random.once_in(4) ? 1 : 0] =
        std::string(" LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0 ENCODING ") +
        (is_latin ? "'LATIN1'" : "'WIN1251'");
  }
  return setting;
}

// What the comparison must not care for.
void set_at_random(testbed::Random& random, const testbed::Database& database) {
  static const std::vector<std::string> settings{
      "TimeZone = 'Asia/Tokyo'", "TimeZone = 'America/New_York'", "DateStyle = 'SQL, DMY'",
      "DateStyle = 'German'",    "IntervalStyle = 'iso_8601'",    "IntervalStyle = 'sql_standard'",
      "extra_float_digits = -3", "bytea_output = 'escape'",       "xmloption = 'document'",
      "array_nulls = off",       "transform_null_equals = on",    "standard_conforming_strings = off",
      "search_path = 'nowhere'", "enable_hashagg = off",          "row_security = off"};
  for (int count = random.between(0, 5); count > 0; --count)
    database.exec("ALTER DATABASE " + database.name() + " SET " + random.pick(settings));
}

Session open(const testbed::Database& database) {
  Session session(database.uri());
  session.exec(testbed::one_spelling);
  session.exec(
      "SET search_path = public; SET xmloption = content; SET transform_null_equals = off; SET array_nulls = on");
  return session;
}

// What a report must say of a table, in the tests' own words.
struct Report {
  std::uint64_t differing = 0;
  std::uint64_t missing = 0;
  std::uint64_t extra = 0;
  std::multiset<std::string> rows = {};
  bool operator==(const Report&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Report& report) {
  out << report.differing << " differ, " << report.missing << " missing, " << report.extra << " extra";
  for (const std::string& row : report.rows) out << "\n  " << row;
  return out;
}

std::string row_line(Kind kind, const std::string& key, const std::vector<std::string>& columns) {
  std::string line = kind == Kind::differs ? "differs " : kind == Kind::missing ? "missing " : "extra ";
  line += key;
  for (const std::string& column : columns) line += " | " + column;
  return line;
}

std::string spell_key(const RandomTable& table, const Row& row) {
  std::string text;
  for (const std::size_t each : table.key) {
    const RandomColumn& column = table.columns[each];
    const std::string& type = column.type->sql;
    const bool is_number = column.type->is_number && (type == column.target_type || type == "small_int");
    text += (text.empty() ? "" : ", ") + column.name + "=" + (is_number ? *row[each] : quote_literal(*row[each]));
  }
  return first_bytes(one_line(text), 200, "...");
}

Report difference_of_keyed(const RandomTable& table, const testbed::Rows& source, const testbed::Rows& target) {
  std::map<Row, std::pair<const Row*, const Row*>> by_key;
  const auto key_of = [&](const Row& row) {
    Row key;
    for (const std::size_t each : table.key) key.push_back(row[each]);
    return key;
  };
  for (const Row& row : source) by_key[key_of(row)].first = &row;
  for (const Row& row : target) by_key[key_of(row)].second = &row;
  Report report;
  for (const auto& [key, rows] : by_key) {
    const auto& [from, to] = rows;
    std::vector<std::string> columns;
    for (std::size_t each = 0; from != nullptr && to != nullptr && each < from->size(); ++each)
      if ((*from)[each] != (*to)[each]) columns.push_back(table.columns[each].name);
    if (from != nullptr && to != nullptr && columns.empty()) continue;
    const Kind kind = from == nullptr ? Kind::extra : to == nullptr ? Kind::missing : Kind::differs;
    ++(kind == Kind::differs ? report.differing : kind == Kind::missing ? report.missing : report.extra);
    report.rows.insert(row_line(kind, spell_key(table, from != nullptr ? *from : *to), columns));
  }
  return report;
}

Report difference_of(const RandomTable& table, const testbed::Rows& source, const testbed::Rows& target) {
  if (table.kind != testbed::KeyKind::none) return difference_of_keyed(table, source, target);
  std::map<Row, int> copies;
  for (const Row& row : source) ++copies[row];
  for (const Row& row : target) --copies[row];
  Report report;
  for (const auto& [row, count] : copies)
    (count > 0 ? report.missing : report.extra) += static_cast<std::uint64_t>(std::abs(count));
  return report;
}

Report reported(const RandomTable& table, const api::TableVerification& found) {
  Report report{found.differing, found.missing, found.extra};
  std::uint64_t copies = 0;
  for (const api::RowDifference& row : found.rows) {
    copies += row.copies;
    if (table.kind != testbed::KeyKind::none) report.rows.insert(row_line(row.kind, row.key, row.columns));
  }
  if (found.rows.size() < 100) {
    EXPECT_EQ(copies, found.differing + found.missing + found.extra) << found.name;
  }
  return report;
}

class Trial {
 public:
  explicit Trial(std::uint64_t seed)
      : random_(seed),
        setting_(draw_setting(random_)),
        source_(testbed::server(setting_.majors[0]).create_database("random_source", setting_.options[0])),
        target_(testbed::server(setting_.majors[1]).create_database("random_target", setting_.options[1])),
        from_(open(source_)),
        to_(open(target_)) {
    for (const testbed::Database* each : {&source_, &target_}) set_at_random(random_, *each);
    from_.exec(testbed::create_types(false));
    to_.exec(testbed::create_types(true));
    for (std::size_t each = 0; each < schemas; ++each) draw_schema(each);
    from_.exec("ANALYZE");
  }

  // Draws the options.
  api::Verification compare(const TakeRepair& repair = nullptr);
  // Up to five changes of what a schema's tables hold.
  void plant();
  void expect_what_is_there(const api::Verification& found);
  void expect_equal_contents();
  void mend(const testbed::RepairSteps& steps);
  std::string described() const;
  std::string counts() const {
    return std::to_string(tables_.size()) + " tables, " + std::to_string(rows_) + " rows, " +
           std::to_string(differences_) + " differences to be told of";
  }

 private:
  void draw_schema(std::size_t number);
  void add(const RandomTable& table);
  void plant_in(const RandomTable& table);
  void change(const RandomTable& table, const std::string& sql);
  void swap(const RandomTable& table, const RandomColumn& column);
  std::string any_row(const RandomTable& table);

  testbed::Random random_;
  const Setting setting_;
  const testbed::Database source_;
  const testbed::Database target_;
  Session from_;
  Session to_;
  std::vector<RandomTable> tables_;
  std::string planted_;
  std::size_t rows_ = 0;
  std::uint64_t differences_ = 0;  // that reports had to tell of
};

void Trial::draw_schema(std::size_t number) {
  const std::string schema = testbed::draw_name(random_, setting_.rules).substr(0, 20);
  std::string name;
  for (const char each : schema)
    if ((static_cast<unsigned char>(each) & 0x80) == 0) name += each;
  name += std::to_string(number);
  for (Session* each : {&from_, &to_}) each->exec("CREATE SCHEMA " + testbed::identifier_of(name));
  const std::size_t count = 1 + random_.below(2);
  for (std::size_t each = 0; each < count; ++each) {
    const RandomTable table = testbed::draw_table(random_, setting_.rules, name, 2 * each);
    add(table);
    using By = testbed::Division::By;
    const bool is_divided = table.divided[0].by != By::nothing || table.divided[1].by != By::nothing;
    if (!is_divided && random_.once_in(6)) add(testbed::draw_child(random_, setting_.rules, table, 2 * each + 1));
  }
}

// The target gets what a client reads of the source, in another order.
void Trial::add(const RandomTable& table) {
  tables_.push_back(table);
  const testbed::Creation on_source = create_table(random_, table, Side::source, setting_.majors[0]);
  const testbed::Creation on_target = create_table(random_, table, Side::target, setting_.majors[1]);
  from_.exec(on_source.before);
  to_.exec(on_target.before);
  std::size_t rows = random_.below(random_.once_in(8) ? 400 : 40);
  const bool has_columns = table.columns.size() > 0;
  while (has_columns && rows > 0) {
    std::vector<std::vector<std::string>> some;
    for (; rows > 0 && some.size() < 50; --rows) {
      some.push_back(draw_row(random_, setting_.rules, table));
      if (table.kind == testbed::KeyKind::none && random_.once_in(5)) some.push_back(some.back());
    }
    from_.exec(insert_rows(table, some) + " ON CONFLICT DO NOTHING");
  }
  testbed::Rows read = testbed::read_rows(from_, table, Side::source);
  std::shuffle(read.begin(), read.end(), std::mt19937_64(random_.below(1000)));
  std::vector<std::vector<std::string>> written;
  for (const Row& row : read) {
    std::vector<std::string>& values = written.emplace_back();
    for (std::size_t each = 0; each < row.size(); ++each)
      if (table.columns[each].computed.empty()) values.push_back(row[each] ? testbed::literal_of(*row[each]) : "NULL");
  }
  if (!written.empty()) to_.exec(insert_rows(table, written));
  from_.exec(on_source.after);
  to_.exec(on_target.after);
  rows_ += written.size();
  // Another NaN, which a client cannot tell from the first.
  for (const RandomColumn& column : table.columns) {
    const std::string name = testbed::identifier_of(column.name);
    if (column.computed.empty() && (column.type->sql == "float4" || column.type->sql == "float8"))
      to_.exec("UPDATE " + table.scanned(Side::target) + " SET " + name + " = -" + name + " WHERE " + name +
               " = 'NaN'");
  }
}

api::Verification Trial::compare(const TakeRepair& repair) {
  ComparisonOptions options;
  options.database = source_.name();
  api::Endpoint ends[2];
  ends[0].uri = source_.uri();
  ends[1].uri = target_.uri();
  options.ends = {[&] { return resolve(ends[0], "source"); }, [&] { return resolve(ends[1], "target"); }};
  options.selects = [](const model::Name&, const std::vector<model::Name>&) { return true; };
  options.parallelism = random_.between(1, 4);
  options.show_values = random_.once_in(2);
  if (random_.once_in(2)) options.sizes = {8192, 8192ULL * (1 + random_.below(3))};
  std::mutex mutex;
  if (repair) {
    options.repair = [&](const RepairStep& step) {
      const std::lock_guard lock(mutex);
      return repair(step);
    };
  }
  pipeline::ProgressBoard board("");
  api::Verification found;
  const Result<void> compared = compare_database(options, board, found, {Deadline::after(Seconds{300}), {}});
  EXPECT_TRUE(compared) << (compared ? "" : describe(compared.error()));
  return found;
}

std::string Trial::any_row(const RandomTable& table) {
  const std::string count = to_.scalar("SELECT count(*) FROM " + table.scanned(Side::target));
  if (count == "0") return "false";
  const testbed::Rows row = to_.query("SELECT tableoid, ctid FROM " + table.scanned(Side::target) + " OFFSET " +
                                      std::to_string(random_.below(std::stoul(count))) + " LIMIT 1");
  return "tableoid = " + *row[0][0] + " AND ctid = '" + *row[0][1] + "'";
}

// What a constraint refuses is left as it is.
void Trial::change(const RandomTable& table, const std::string& sql) {
  const std::string refused = to_.sqlstate(sql);
  EXPECT_TRUE(refused.empty() || refused.starts_with("23") || refused == "428C9") << refused << ": " << sql;
  if (refused.empty()) planted_ += "\n" + table.quoted() + ": " + sql.substr(0, 300);
}

void Trial::swap(const RandomTable& table, const RandomColumn& column) {
  const std::string name = testbed::identifier_of(column.name);
  const std::string a = any_row(table);
  const std::string b = any_row(table);
  const std::string scanned = table.scanned(Side::target);
  change(table, "UPDATE " + scanned + " AS u SET " + name + " = CASE WHEN " + a + " THEN (SELECT " + name + " FROM " +
                    scanned + " WHERE " + b + ") ELSE (SELECT " + name + " FROM " + scanned + " WHERE " + a +
                    ") END WHERE (" + a + ") OR (" + b + ")");
}

void Trial::plant_in(const RandomTable& table) {
  const std::string scanned = table.scanned(Side::target);
  std::vector<const RandomColumn*> plain;
  for (const RandomColumn& column : table.columns)
    if (column.computed.empty()) plain.push_back(&column);
  if (plain.empty()) return change(table, "INSERT INTO " + table.quoted() + " DEFAULT VALUES");
  const RandomColumn& column = *random_.pick(plain);
  const std::string name = testbed::identifier_of(column.name);
  std::vector<std::string> row = draw_row(random_, setting_.rules, table);
  switch (random_.below(6)) {
    case 0:
      return change(table, "DELETE FROM " + scanned + " WHERE " + any_row(table));
    case 1:
      return change(table, insert_rows(table, {row}));
    case 2:
      return swap(table, column);
    case 3:
      if (table.kind != testbed::KeyKind::none) return swap(table, column);
      for (std::size_t each = 0; each < plain.size(); ++each) row[each] = testbed::identifier_of(plain[each]->name);
      {
        const std::string copy = insert_rows(table, {row});
        const std::size_t values = copy.rfind(" VALUES (");
        return change(table, copy.substr(0, values) + " SELECT " + copy.substr(values + 9, copy.size() - values - 10) +
                                 " FROM " + scanned + " WHERE " + any_row(table));
      }
    default:
      return change(table, "UPDATE " + scanned + " SET " + name + " = " +
                               testbed::draw_literal(random_, setting_.rules, column) + " WHERE " + any_row(table));
  }
}

void Trial::plant() {
  for (std::size_t number = 0; number < schemas; ++number) {
    std::vector<const RandomTable*> here;
    for (const RandomTable& table : tables_)
      if (table.schema.ends_with(std::to_string(number))) here.push_back(&table);
    for (std::size_t count = random_.below(6); count > 0; --count) plant_in(*random_.pick(here));
  }
}

void Trial::expect_what_is_there(const api::Verification& found) {
  std::map<std::string, const api::TableVerification*> by_name;
  for (const api::TableVerification& table : found.tables) by_name[table.name] = &table;
  EXPECT_EQ(by_name.size(), tables_.size());
  for (const RandomTable& table : tables_) {
    const std::string name = model::display({table.schema, table.name});
    SCOPED_TRACE(name);
    ASSERT_EQ(by_name.count(name), 1U);
    const api::TableVerification& said = *by_name[name];
    const testbed::Rows source = testbed::read_rows(from_, table, Side::source);
    const testbed::Rows target = testbed::read_rows(to_, table, Side::target);
    const Report expected = difference_of(table, source, target);
    const bool is_equal = expected.differing + expected.missing + expected.extra == 0;
    differences_ += expected.differing + expected.missing + expected.extra;
    EXPECT_EQ(said.reason, "");
    EXPECT_EQ(said.result, is_equal ? Comparison::equal : Comparison::different);
    EXPECT_EQ(reported(table, said), expected);
    EXPECT_EQ(said.source_rows, source.size());
    EXPECT_EQ(said.target_rows, target.size());
  }
}

void Trial::expect_equal_contents() {
  for (const RandomTable& table : tables_)
    EXPECT_EQ(difference_of(table, testbed::read_rows(from_, table, Side::source),
                            testbed::read_rows(to_, table, Side::target)),
              Report{})
        << table.quoted();
}

void Trial::mend(const testbed::RepairSteps& steps) {
  EXPECT_EQ(steps.run(target_.uri()), "") << steps.text();
  EXPECT_EQ(steps.remarks(), "");
}

std::string Trial::described() const {
  return std::to_string(setting_.majors[0]) + setting_.options[0] + " to " + std::to_string(setting_.majors[1]) +
         setting_.options[1] + "\nplanted:" + planted_;
}

class TablesDrawn : public testing::TestWithParam<std::uint64_t> {};

INSTANTIATE_TEST_SUITE_P(AtRandom, TablesDrawn, testing::ValuesIn(testbed::seeds()));

TEST_P(TablesDrawn, are_equal_until_they_differ_and_after_they_are_mended) {
  std::cout << "TRIBUTARY_SEED=" << GetParam() << std::endl;
  SCOPED_TRACE("TRIBUTARY_SEED=" + std::to_string(GetParam()));
  Trial trial(GetParam());
  trial.expect_equal_contents();
  ASSERT_FALSE(HasFailure()) << "the test has not copied the values as they are\n" << trial.described();
  trial.expect_what_is_there(trial.compare());
  ASSERT_FALSE(HasFailure()) << trial.described();
  trial.plant();
  trial.expect_what_is_there(trial.compare());
  testbed::RepairSteps steps;
  trial.expect_what_is_there(trial.compare([&](const RepairStep& step) {
    steps.take(step);
    return Result<void>{};
  }));
  ASSERT_FALSE(HasFailure()) << trial.described();
  std::cout << trial.counts() << std::endl;
  trial.mend(steps);
  trial.expect_equal_contents();
  EXPECT_FALSE(HasFailure()) << trial.described();
}

}  // namespace
}  // namespace tributary::postgres::verify
