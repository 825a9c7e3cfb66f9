#include "engine/pipeline/drain.h"

#include <gmock/gmock.h>

#include <deque>

#include "engine/base/log.h"

namespace tributary::pipeline {
namespace {

using Kind = model::Event::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

model::Event event(Kind kind, std::uint64_t lsn, std::uint64_t end) {
  model::Event event;
  event.kind = kind;
  event.lsn = model::Lsn{lsn};
  event.end = model::Lsn{end};
  return event;
}

// What a source sends, and what comes of it.
struct Course {
  std::deque<std::vector<model::Event>> log;
  std::vector<std::uint64_t> committed;  // commits that were applied, by their beginning
  model::Lsn position{10};
  model::Lsn confirmed;
  std::optional<Error> failure;  // of the applier
  std::optional<StoppedTable> stopped;
  bool recorded = false;
};

class Stream : public ChangeStream {
 public:
  explicit Stream(Course& course) : course_(course) {}
  Result<std::shared_ptr<const model::Batch>> next(Milliseconds, const Until&) override {
    auto batch = std::make_shared<model::Batch>();
    if (course_.log.empty() && ++asked_ > 1000) return Error{Fault::failed, "asked for ever"};
    if (!course_.log.empty()) {
      for (const model::Event& each : course_.log.front()) batch->add(each);
      course_.log.pop_front();
    }
    return std::shared_ptr<const model::Batch>(batch);
  }
  void confirm(model::Lsn durable) override { course_.confirmed = durable; }
  Reach reach() const override { return {}; }

 private:
  Course& course_;
  int asked_ = 0;
};

class Recorder : public Applier {
 public:
  explicit Recorder(Course& course) : course_(course), reached_(course.position) {}
  StreamPosition position() const override { return {course_.position, {}}; }
  Result<void> apply(const model::Events& events, ApplyMode, const Until&) override {
    if (course_.failure) return *course_.failure;
    for (const model::Event& each : events) {
      if (each.kind == Kind::commit) given_.push_back(each.lsn.value);
      if (each.kind == Kind::commit || each.kind == Kind::idle) reached_ = each.end;
    }
    return {};
  }
  bool keeps() const override { return false; }
  Result<void> commit(bool, const Until&) override {
    course_.committed.insert(course_.committed.end(), given_.begin(), given_.end());
    given_.clear();
    course_.position = reached_;
    return {};
  }
  const std::optional<StoppedTable>& stopped() const override { return course_.stopped; }
  Result<void> stop(const StoppedTable&, const Until&) override {
    course_.recorded = true;
    return {};
  }
  Result<void> reload(const Until&) override { return {}; }
  bool usable() const override { return true; }

 private:
  Course& course_;
  std::vector<std::uint64_t> given_;
  model::Lsn reached_;
};

class Ends : public DrainEnds {
 public:
  explicit Ends(Course& course) : course_(course) {}
  Result<std::unique_ptr<Applier>> applier(std::int64_t, const Until&) override {
    return std::unique_ptr<Applier>(std::make_unique<Recorder>(course_));
  }
  Result<std::unique_ptr<ChangeStream>> stream(const StreamPosition&, const Until&) override {
    return std::unique_ptr<ChangeStream>(std::make_unique<Stream>(course_));
  }
  Result<SlotHealth> look_at_slot(const Until&) override { return SlotHealth{}; }

 private:
  Course& course_;
};

Result<void> drain_to(Course& course, std::uint64_t goal, const Until& until = {}) {
  log::set_level(log::Level::error);
  Ends ends(course);
  ProgressBoard board("");
  return drain(ends, 1, model::Lsn{goal}, board, board.stream_of("shop"), until);
}

TEST(ADrain, applies_what_lies_below_its_goal_and_not_what_lies_above_in_the_same_batch) {
  Course course;
  course.log = {{event(Kind::begin, 20, 0), event(Kind::commit, 20, 25), event(Kind::begin, 30, 0)},
                {event(Kind::commit, 30, 35), event(Kind::begin, 40, 0), event(Kind::commit, 40, 45)}};
  ASSERT_TRUE(drain_to(course, 40));
  EXPECT_THAT(course.committed, ElementsAre(20U, 30U)) << "one that begins at the goal is not seen by its snapshot";
  EXPECT_EQ(course.position, model::Lsn{40});
  EXPECT_EQ(course.confirmed, model::Lsn{40});
}

TEST(ADrain, goes_by_where_commits_begin) {
  Course course;
  course.log = {{event(Kind::begin, 39, 0), event(Kind::commit, 39, 40), event(Kind::idle, 0, 90)}};
  ASSERT_TRUE(drain_to(course, 40));
  EXPECT_THAT(course.committed, ElementsAre(39U));
  EXPECT_EQ(course.position, model::Lsn{40}) << "and not where the source was by then";
}

TEST(ADrain, waits_for_a_source_that_has_not_said_enough) {
  Course course;
  course.log = {{event(Kind::idle, 0, 39)}, {}, {}, {event(Kind::idle, 0, 40)}};
  ASSERT_TRUE(drain_to(course, 40));
  EXPECT_EQ(course.confirmed, model::Lsn{40});
}

TEST(ADrain, has_nothing_to_do_at_its_goal) {
  Course course;
  ASSERT_TRUE(drain_to(course, 10));
  EXPECT_EQ(course.position, model::Lsn{10});
}

TEST(ADrain, records_a_table_whose_changes_do_not_fit_and_leaves_it_to_another_attempt) {
  Course course;
  course.log = {{event(Kind::begin, 20, 0)}};
  course.failure = Error{Fault::differs, "table public.t: no such row"};
  course.stopped = StoppedTable{{"public", "t"}, "no such row"};
  const Result<void> drained = drain_to(course, 40);
  ASSERT_FALSE(drained);
  EXPECT_EQ(drained.error().fault, Fault::transient);
  EXPECT_THAT(drained.error().what, HasSubstr("no such row"));
  EXPECT_TRUE(course.recorded);
}

TEST(ADrain, is_over_when_it_is_stopped) {
  Course course;
  std::stop_source stop;
  stop.request_stop();
  const Result<void> drained = drain_to(course, 40, {Deadline::never(), stop.get_token()});
  ASSERT_FALSE(drained);
  EXPECT_EQ(drained.error().fault, Fault::cancelled);
}

}  // namespace
}  // namespace tributary::pipeline
