#include "engine/cli/stream_view.h"

#include <gmock/gmock.h>

namespace tributary::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

api::StreamStatus following() {
  api::StreamStatus status;
  status.database = "app";
  status.target = "copy";
  status.followed = 12;
  status.stream.state = api::StreamState::following;
  status.stream.applied = "0/1A";
  status.stream.slot = "tributary_app_0123456789ab";
  status.stream.lag_bytes = 3'000'000;
  status.stream.lag_seconds = 4;
  return status;
}

TEST(StreamView, tells_what_the_target_lacks) {
  EXPECT_EQ(lag_text({}), "nothing");
  EXPECT_THAT(lag_text(following().stream), HasSubstr("MB, 4 s"));
}

TEST(StreamView, says_in_a_line_what_a_stream_does) {
  api::DatabaseProgress database;
  database.name = "app";
  database.stream.emplace();
  EXPECT_EQ(stream_line(database), "database app: connecting");
  database.stream->state = api::StreamState::following;
  database.stream->transactions = 7;
  EXPECT_EQ(stream_line(database), "database app: lacking nothing, 7 transactions applied");
  database.stream->recopy = api::RecopyProgress{2, 1, "public.t", 10, 3'000'000, ""};
  EXPECT_THAT(stream_line(database), HasSubstr("; copying again 2 tables, "));
  database.stream->state = api::StreamState::holding;
  database.stream->retained_bytes = 2'000'000;
  EXPECT_THAT(stream_line(database), HasSubstr("holding, the source keeps 2"));
  database.stream->error = "the source is away";
  EXPECT_EQ(stream_line(database), "database app: retrying: the source is away");
}

TEST(StreamView, shows_a_stream_that_is_followed) {
  const std::string text = streams_text({following()}, {});
  EXPECT_THAT(text, HasSubstr("following"));
  EXPECT_THAT(text, HasSubstr("tributary_app_0123456789ab"));
  EXPECT_THAT(text, HasSubstr("12 followed"));
  EXPECT_THAT(text, Not(HasSubstr("REASON")));
}

TEST(StreamView, names_tables_that_stand_still_and_why) {
  api::StreamStatus status = following();
  status.stopped = 1;
  status.tables = {{"public.orders", "stopped", "an update met no row"}};
  const std::string text = streams_text({status}, {});
  EXPECT_THAT(text, HasSubstr("1 stopped"));
  EXPECT_THAT(text, HasSubstr("app.public.orders"));
  EXPECT_THAT(text, HasSubstr("an update met no row"));
}

TEST(StreamView, names_tables_that_are_copied_again) {
  api::StreamStatus status = following();
  status.recopy = 1;
  status.tables = {{"public.orders", "recopy", "asked for"}};
  const std::string text = streams_text({status}, {});
  EXPECT_THAT(text, HasSubstr("1 copied again"));
  EXPECT_THAT(text, HasSubstr("to be copied again"));
}

TEST(StreamView, says_why_a_stream_cannot_go_on_and_what_to_do) {
  api::StreamStatus status = following();
  status.problem = "slot x is gone from the source";
  status.hint = "take a new snapshot";
  const std::string text = streams_text({status}, {});
  EXPECT_THAT(text, HasSubstr("cannot go on"));
  EXPECT_THAT(text, Not(HasSubstr("MB, 4 s")));
  EXPECT_THAT(text, HasSubstr("database app: slot x is gone from the source"));
  EXPECT_THAT(text, HasSubstr("take a new snapshot"));
}

TEST(StreamView, says_why_the_last_engine_ended) {
  api::StreamStatus status = following();
  status.last_error = api::LastError{"2026-11-23T14:00:00Z", "permission denied", "GRANT it"};
  EXPECT_THAT(streams_text({status}, {}),
              HasSubstr("database app: the engine ended at 2026-11-23T14:00:00Z: permission denied (hint: GRANT it)"));
  status.problem = "permission denied";
  EXPECT_THAT(streams_text({status}, {}), Not(HasSubstr("the engine ended"))) << "said once";
}

}  // namespace
}  // namespace tributary::cli
