#include "engine/pipeline/relay.h"

#include <gmock/gmock.h>

#include <functional>
#include <thread>

#include "engine/base/pause.h"
#include "engine/pipeline/testing/alarm.h"

namespace tributary::pipeline {
namespace {

using testing::Alarm;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Both ends of one batch as a script. What one side does is seen by the other, call by call.
struct Script {
  std::uint64_t rows = 0;         // messages between header and trailer
  std::uint64_t source_says = 0;  // at the end
  std::uint64_t target_says = 0;
  std::size_t size = 1;  // of a message
  std::function<Result<void>(const Until&)> on_next = [](const Until&) { return Result<void>(); };
  std::function<Result<void>(const Until&)> on_write = [](const Until&) { return Result<void>(); };

  std::vector<std::string> log;  // all but next and write
  std::uint64_t sent = 0;
  std::uint64_t taken = 0;
  bool too_much = false;  // a message was asked for before the last one was written
};

class Stream : public CopyStream {
 public:
  explicit Stream(Script& script) : script_(script), message_(script.size) {}
  Result<std::span<const std::byte>> next(const Until& until) override {
    TRY(script_.on_next(until));
    script_.too_much = script_.too_much || script_.sent != script_.taken;
    if (script_.sent == script_.rows + 2) return std::span<const std::byte>{};
    ++script_.sent;
    return std::span<const std::byte>(message_);
  }
  std::uint64_t rows() const override { return script_.source_says; }

 private:
  Script& script_;
  std::vector<std::byte> message_;
};

class Reader : public SourceReader {
 public:
  explicit Reader(Script& script) : script_(script) {}
  Result<std::unique_ptr<CopyStream>> open(const model::Table& table, const model::CopyPart&, const Until&) override {
    script_.log.push_back("read " + table.name.name);
    script_.sent = script_.taken = 0;
    return std::unique_ptr<CopyStream>(std::make_unique<Stream>(script_));
  }

 private:
  Script& script_;
};

class Writer : public TargetWriter {
 public:
  explicit Writer(Script& script) : script_(script) {}
  Result<void> begin(const Until&) override { return log("begin"); }
  Result<void> open(const model::Table& table, const model::CopyPart&, const Until&) override {
    return log("open " + table.name.name);
  }
  Result<void> write(std::span<const std::byte> bytes, const Until& until) override {
    TRY(script_.on_write(until));
    EXPECT_EQ(bytes.size(), script_.size);
    ++script_.taken;
    return {};
  }
  Result<PartCount> close(std::uint64_t bytes, const Until&) override {
    TRY(log("close"));
    EXPECT_EQ(bytes, script_.size * script_.taken);
    return PartCount{script_.target_says, bytes};
  }
  Result<void> commit(const Until&) override { return log("commit"); }
  Result<std::vector<api::Finding>> run(const Schema&, const std::vector<std::size_t>&, const Effort&,
                                        const Until&) override {
    return Error{Fault::failed, "no steps here"};
  }
  Result<std::vector<api::Finding>> validate(const Schema&, const std::vector<std::size_t>&, const Until&) override {
    return Error{Fault::failed, "no steps here"};
  }
  Result<std::vector<api::Finding>> analyze(const std::vector<Sample>&, const Until&) override {
    return Error{Fault::failed, "no statistics here"};
  }

 private:
  Result<void> log(const std::string& call) {
    script_.log.push_back(call);
    return {};
  }
  Script& script_;
};

class Relay : public ::testing::Test {
 protected:
  void use(std::uint64_t rows) { script.rows = script.source_says = script.target_says = rows; }

  Result<void> run(const Until& until = {}) {
    Reader reader(script);
    Writer writer(script);
    return relay(reader, writer, batch, tables, meters, board, until);
  }
  api::DatabaseProgress progress() const { return board.snapshot().databases.front(); }

  const Alarm alarm{"a relay"};
  Script script;
  ProgressBoard board{""};
  std::vector<model::Table> tables{{.name = {"public", "a"}, .columns = {}, .storage = {}},
                                   {.name = {"public", "b"}, .columns = {}, .storage = {}}};
  std::vector<TableMeter*> meters = board.begin_database("shop", {{"public.a", 100}, {"public.b", 100}});
  Batch batch{{{.table = 0}}, 100};
};

TEST_F(Relay, writes_a_batch_of_several_tables_as_one_transaction) {
  use(3);
  batch.parts.push_back({.table = 1});
  ASSERT_TRUE(run());
  EXPECT_THAT(script.log, ElementsAre("begin", "open a", "read a", "close", "open b", "read b", "close", "commit"));
}

TEST_F(Relay, holds_one_message_at_a_time_however_long_the_table_is) {
  use(200'000);
  ASSERT_TRUE(run());
  EXPECT_FALSE(script.too_much);
  EXPECT_EQ(script.taken, 200'002U);
}

TEST_F(Relay, carries_a_table_without_rows) {
  ASSERT_TRUE(run());
  EXPECT_EQ(progress().rows_copied, 0U);
  EXPECT_EQ(script.log.back(), "commit");
}

TEST_F(Relay, tells_rows_as_the_target_counted_them_and_never_takes_one_back) {
  use(5);
  script.size = 512U << 10;  // each is told
  std::uint64_t last = 0;
  script.on_next = [&](const Until&) -> Result<void> {
    const std::uint64_t now = progress().rows_copied;
    EXPECT_GE(now, last);
    EXPECT_LE(now, script.rows) << "header and trailer are no rows";
    last = now;
    return {};
  };
  ASSERT_TRUE(run());
  EXPECT_GT(last, 0U) << "rows are told while they travel";
  EXPECT_EQ(progress().rows_copied, 5U);
  EXPECT_EQ(progress().bytes_copied, 7U * script.size);
}

TEST_F(Relay, shows_the_table_as_active_while_it_travels) {
  use(1);
  bool active = false;
  script.on_next = [&](const Until&) -> Result<void> {
    active = progress().active.size() == 1 && progress().active.front().name == "public.a";
    return {};
  };
  ASSERT_TRUE(run());
  EXPECT_TRUE(active);
  EXPECT_THAT(progress().active, IsEmpty());
}

TEST_F(Relay, commits_nothing_where_the_ends_counted_differently) {
  use(3);
  script.target_says = 2;
  const Result<void> carried = run();
  ASSERT_FALSE(carried);
  EXPECT_EQ(carried.error().what, "table public.a: the source sent 3 rows, the target counted 2");
  EXPECT_EQ(script.log.back(), "close");
}

TEST_F(Relay, ends_the_copy_of_nothing_when_the_source_breaks) {
  use(100);
  script.on_next = [&](const Until&) -> Result<void> {
    if (script.sent == 50) return Error{Fault::lost, "the table was rewritten"};
    return {};
  };
  const Result<void> carried = run();
  ASSERT_FALSE(carried);
  EXPECT_EQ(carried.error().fault, Fault::lost);
  EXPECT_EQ(carried.error().what, "table public.a: the table was rewritten");
  EXPECT_THAT(script.log, ElementsAre("begin", "open a", "read a"));
  EXPECT_THAT(progress().active, IsEmpty());
}

TEST_F(Relay, reads_nothing_more_when_the_target_breaks) {
  use(100);
  script.on_write = [&](const Until&) -> Result<void> {
    if (script.taken == 50) return Error{Fault::transient, "no space left"};
    return {};
  };
  const Result<void> carried = run();
  ASSERT_FALSE(carried);
  EXPECT_EQ(carried.error().fault, Fault::transient);
  EXPECT_EQ(script.sent, 51U);
  EXPECT_THAT(script.log, ElementsAre("begin", "open a", "read a"));
}

// Both are waits inside the ends, which know the stop from Until.
TEST_F(Relay, a_stop_ends_it_while_either_end_blocks) {
  for (const bool source_blocks : {true, false}) {
    SCOPED_TRACE(source_blocks ? "the source sends nothing" : "the target takes nothing");
    script = {};
    use(10);
    std::stop_source stop;
    const auto block = [&](const Until& until) -> Result<void> {
      stop.request_stop();
      while (pause_for(Seconds(1), until.stop)) continue;
      return Error{Fault::cancelled, "stopped"};
    };
    (source_blocks ? script.on_next : script.on_write) = block;
    const Result<void> carried = run({Deadline::never(), stop.get_token()});
    ASSERT_FALSE(carried);
    EXPECT_EQ(carried.error().fault, Fault::cancelled);
    EXPECT_EQ(script.log.back(), "read a");
  }
}

}  // namespace
}  // namespace tributary::pipeline
