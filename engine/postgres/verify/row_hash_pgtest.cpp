#include "engine/postgres/verify/row_hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "engine/testing/postgres_server.h"

namespace tributary::postgres::verify {
namespace {

const Dialect native{true, false, {"int4", "int8", "text", "numeric", "_int4", "_text"}};

// Values of one row as SQL, in the order of the columns.
using Row = std::vector<std::string>;

class RowHashes : public testing::Test {
 protected:
  // A table "t" of columns c0, c1, ... of these types, the first of which are its key.
  void create(const std::vector<std::string>& types, std::size_t key) {
    std::string columns;
    for (std::size_t each = 0; each < types.size(); ++each) {
      const std::string name = "c" + std::to_string(each);
      const std::string sql = types[each][0] == '_' ? types[each].substr(1) + "[]" : types[each];
      columns += (columns.empty() ? "" : ", ") + name + " " + sql;
      pair_.columns.push_back({name, types[each]});
    }
    pair_.key.assign(pair_.columns.begin(), pair_.columns.begin() + static_cast<std::ptrdiff_t>(key));
    database_.exec("CREATE TABLE t (" + columns + ")");
  }
  // The sum of the rows' hashes.
  std::string sum(const std::vector<Row>& rows) {
    std::string values;
    for (const Row& row : rows) {
      std::string list;
      for (const std::string& value : row) list += (list.empty() ? "" : ", ") + value;
      values += (values.empty() ? "(" : ", (") + list + ")";
    }
    database_.exec("TRUNCATE t; INSERT INTO t VALUES " + values);
    return database_.scalar("SELECT sum(" + row_hash(pair_, native).row + ") FROM t");
  }

 private:
  testbed::Database database_ = testbed::server(15).create_database("row_hash");
  TablePair pair_;
};

// The Thue-Morse sequence of two values, or its complement.
std::string of_sequence(std::size_t place, bool complement) {
  return (std::popcount(place) % 2 == 1) != complement ? "1" : "0";
}

Row sequence(std::size_t length, bool complement, Row row = {}) {
  for (std::size_t each = 0; each < length; ++each) row.push_back(of_sequence(each, complement));
  return row;
}

std::string array_of(std::size_t length, bool complement) {
  std::string list;
  for (const std::string& value : sequence(length, complement)) list += (list.empty() ? "" : ",") + value;
  return "'{" + list + "}'";
}

std::vector<std::string> types_of(std::vector<std::string> key, std::size_t count, const std::string& type) {
  key.insert(key.end(), count, type);
  return key;
}

TEST_F(RowHashes, tell_a_sequence_of_many_columns_from_its_complement) {
  create(types_of({"int4"}, 512, "int4"), 1);
  EXPECT_NE(sum({sequence(512, false, {"1"})}), sum({sequence(512, true, {"1"})}));
}

TEST_F(RowHashes, tell_it_where_the_key_is_text) {
  create(types_of({"text"}, 512, "int4"), 1);
  EXPECT_NE(sum({sequence(512, false, {"'a'"})}), sum({sequence(512, true, {"'a'"})}));
}

TEST_F(RowHashes, tell_it_where_there_is_no_key) {
  create(types_of({}, 512, "int4"), 0);
  EXPECT_NE(sum({sequence(512, false)}), sum({sequence(512, true)}));
}

TEST_F(RowHashes, tell_a_long_array_from_its_complement) {
  create({"int4", "_int4"}, 1);
  for (const std::size_t length : {2U, 16U, 17U, 256U, 1024U})
    EXPECT_NE(sum({{"1", array_of(length, false)}}), sum({{"1", array_of(length, true)}})) << length;
}

TEST_F(RowHashes, tell_a_long_array_by_its_bounds) {
  create({"int4", "_int4"}, 1);
  const std::string array = "array_fill(7, '{20}'";
  EXPECT_NE(sum({{"1", array + ", '{1}')"}}), sum({{"1", array + ", '{2}')"}}));
}

TEST_F(RowHashes, tell_rows_of_nothing_but_NULL_by_their_key) {
  for (const std::string type : {"int4", "numeric"}) {
    const RowHash hash = row_hash({{}, {{"k", "int4"}, {"a", type}, {"b", type}}, {{"k", "int4"}}}, native);
    testbed::Database database = testbed::server(15).create_database("row_hash_null");
    database.exec("CREATE TABLE t (k int, a " + type + ", b " + type + "); INSERT INTO t VALUES (1), (2)");
    EXPECT_EQ(database.scalar("SELECT count(DISTINCT " + hash.row + ") FROM t"), "2") << type;
  }
}

TEST_F(RowHashes, tell_rows_of_many_NULLs_that_swapped_a_value) {
  create(types_of({"text"}, 20, "int4"), 1);
  const auto row = [](const std::string& key, const std::string& last) {
    Row values(21, "NULL");
    values.front() = key;
    values.back() = last;
    return values;
  };
  EXPECT_NE(sum({row("'a'", "1"), row("'b'", "2")}), sum({row("'a'", "2"), row("'b'", "1")}));
}

TEST_F(RowHashes, tell_rows_that_swapped_a_value) {
  create({"int4", "int4", "text", "numeric"}, 1);
  const Row one{"1", "10", "'x'", "1.0"};
  const Row two{"2", "20", "'y'", "1.00"};
  for (std::size_t column = 1; column < one.size(); ++column) {
    Row changed_one = one;
    Row changed_two = two;
    std::swap(changed_one[column], changed_two[column]);
    EXPECT_NE(sum({one, two}), sum({changed_one, changed_two})) << column;
  }
}

TEST_F(RowHashes, tell_in_which_column_a_value_stands) {
  create({"int4", "int4", "int4", "text", "text"}, 1);
  EXPECT_NE(sum({{"1", "5", "NULL", "'x'", "NULL"}}), sum({{"1", "NULL", "5", "'x'", "NULL"}}));
  EXPECT_NE(sum({{"1", "5", "6", "'x'", "NULL"}}), sum({{"1", "6", "5", "'x'", "NULL"}}));
  EXPECT_NE(sum({{"1", "5", "6", "'x'", "NULL"}}), sum({{"1", "5", "6", "NULL", "'x'"}}));
}

}  // namespace
}  // namespace tributary::postgres::verify
