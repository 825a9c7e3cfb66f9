#include "engine/postgres/replication/replication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(StartReplication, asks_for_transactions_in_progress_where_the_server_can_send_them) {
  const StreamRequest request{"a_slot", {"p"}, {0x1'0000'00ff}};
  EXPECT_EQ(start_replication_statement(request, 13),
            "START_REPLICATION SLOT \"a_slot\" LOGICAL 1/FF (proto_version '1', publication_names '\"p\"')");
  for (const int major : {14, 15, 16, 17, 18})
    EXPECT_EQ(start_replication_statement(request, major),
              "START_REPLICATION SLOT \"a_slot\" LOGICAL 1/FF (proto_version '2', publication_names '\"p\"', "
              "streaming 'on')");
}

TEST(StartReplication, spells_names_of_every_kind) {
  const StreamRequest request{"s", {"It's, \"here\"", "back\\slash"}, {}};
  EXPECT_THAT(start_replication_statement(request, 13),
              ::testing::HasSubstr("publication_names '\"It''s, \"\"here\"\"\",\"back\\slash\"'"));
}

TEST(TimelineHistory, is_read_from_the_servers_file) {
  const auto history = parse_timeline_history(
      "1\t0/3000158\tno recovery target specified\n\n# a comment\n  2\tA/B0\tat restore point \"x\"\n");
  ASSERT_TRUE(history);
  EXPECT_THAT(*history, ElementsAre(TimelineSwitch{1, {0x3000158}}, TimelineSwitch{2, {0xA'0000'00B0}}));
  EXPECT_THAT(parse_timeline_history("").value(), IsEmpty());
}

TEST(TimelineHistory, is_refused_where_it_makes_no_sense) {
  for (const char* bad : {"1", "1\t", "x\t0/1", "1\t0/1\n1\t0/2", "2\t0/1\n1\t0/2", "1x\t0/1", "1\tnowhere"})
    EXPECT_FALSE(parse_timeline_history(bad)) << bad;
  EXPECT_FALSE(parse_timeline_history(std::string(1 << 20, ' ')));
}

}  // namespace
}  // namespace tributary::postgres
