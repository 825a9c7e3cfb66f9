#include "engine/postgres/catalog/column_fit.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

TEST(AColumn, keeps_values_in_its_own_type_and_wider_ones) {
  const std::pair<const char*, const char*> wider[] = {{"date", "date"},
                                                       {"smallint", "bigint"},
                                                       {"integer", "numeric"},
                                                       {"real", "double precision"},
                                                       {"numeric(10,2)", "numeric"},
                                                       {"character varying(5)", "text"},
                                                       {"text", "character varying"}};
  for (const auto& [from, to] : wider) EXPECT_TRUE(keeps_values(from, to)) << from << " " << to;
  const std::pair<const char*, const char*> others[] = {{"timestamp with time zone", "timestamp without time zone"},
                                                        {"bigint", "integer"},
                                                        {"bigint", "double precision"},
                                                        {"numeric(10,2)", "numeric(10,1)"},
                                                        {"numeric(10,2)[]", "numeric"},
                                                        {"character(5)", "text"},
                                                        {"text", "character varying(5)"},
                                                        {"json", "jsonb"},
                                                        {"bytea", "text"}};
  for (const auto& [from, to] : others) EXPECT_FALSE(keeps_values(from, to)) << from << " " << to;
}

}  // namespace
}  // namespace tributary::postgres
