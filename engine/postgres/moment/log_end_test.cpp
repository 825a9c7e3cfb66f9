#include "engine/postgres/moment/log_end.h"

#include <gtest/gtest.h>

namespace tributary::postgres::moment {
namespace {

constexpr std::uint64_t page = 8192;
constexpr std::uint64_t segment = 16 << 20;

TEST(TheEndOfARecord, lies_before_the_header_of_a_page_that_has_just_begun) {
  for (const std::uint64_t start : {page, 7 * page, segment + page, 3 * segment + 99 * page})
    EXPECT_EQ(end_of_record_before({start + 24}, page, segment), model::Lsn{start});
  for (const std::uint64_t start : {segment, 5 * segment})
    EXPECT_EQ(end_of_record_before({start + 40}, page, segment), model::Lsn{start});
}

TEST(TheEndOfARecord, is_where_the_next_one_begins_elsewhere) {
  for (const std::uint64_t at : {page, page + 32, page + 40, segment + 48, segment + 24, segment + 5000})
    EXPECT_EQ(end_of_record_before({at}, page, segment), model::Lsn{at});
}

}  // namespace
}  // namespace tributary::postgres::moment
