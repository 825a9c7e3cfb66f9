#include <gtest/gtest.h>

#include <random>

#include "engine/postgres/client/sql.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

using testbed::Session;

std::string random_text(std::mt19937& random) {
  static const std::vector<std::string> alphabet = {"a",  "Z", "'", "\"", "\\", ".",  " ",  "\n", "$",    ";",
                                                    "--", "E", "%", "é",  "漢", "\t", "/*", "u&", "\x01", "😀"};
  std::string text;
  const auto size = 1 + random() % 12;
  for (std::size_t i = 0; i < size; ++i) text += alphabet[random() % alphabet.size()];
  return text;
}

TEST(Sql, random_texts_are_spelt_so_that_the_server_reads_them_back) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Session session(testbed::server(15).uri("postgres"));
  for (const char* conforming : {"on", "off"}) {
    session.exec(std::string("SET standard_conforming_strings = ") + conforming + "; SET escape_string_warning = off");
    for (int i = 0; i < 500; ++i) {
      const std::string text = random_text(random);
      const std::string literal = quote_literal(text);
      const std::string identifier = quote_identifier(text);
      const auto row =
          session
              .query("SELECT * FROM (SELECT " + literal + ") AS t(" + identifier + "), LATERAL (SELECT quote_literal(" +
                     identifier + "), octet_length(" + identifier + "), quote_ident(" + identifier + ")) AS theirs")
              .at(0);
      ASSERT_EQ(row.at(0), text);
      ASSERT_EQ(row.at(1), literal);
      ASSERT_EQ(row.at(2), std::to_string(text.size()));
      // The server leaves the quotes away where it may.
      ASSERT_TRUE(row.at(3) == identifier || row.at(3) == text) << identifier;
    }
  }
}

TEST(Sql, a_random_name_names_its_table) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  testbed::Database database = testbed::server(15).create_database("quoting");
  Session session(database.uri());
  for (int i = 0; i < 30; ++i) {
    const model::Name name{"s" + random_text(random), random_text(random)};
    session.exec("CREATE SCHEMA IF NOT EXISTS " + quote_identifier(name.schema));
    session.exec("CREATE TABLE " + quote_name(name) + " ()");
    ASSERT_EQ(session.scalar("SELECT count(*) FROM pg_tables WHERE schemaname = " + quote_literal(name.schema) +
                             " AND tablename = " + quote_literal(name.name)),
              "1");
    session.exec("DROP TABLE " + quote_name(name));
  }
}

}  // namespace
}  // namespace tributary::postgres
