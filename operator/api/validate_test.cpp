#include "operator/api/validate.h"

#include <gtest/gtest.h>

#include <functional>

namespace tributary::v1alpha1 {
namespace {

Replication sound() {
  Replication replication;
  replication.name = "shop";
  replication.spec.source.secret = "a";
  replication.spec.target.secret = "b";
  return replication;
}

TEST(Validate, a_sound_replication_has_no_flaw) {
  EXPECT_FALSE(flaw_of(sound()));
}

TEST(Validate, one_secret_serves_both_ends_where_something_else_differs) {
  Replication replication = sound();
  replication.spec.target.secret = "a";
  EXPECT_TRUE(flaw_of(replication));
  replication.spec.target.database = "copy";
  EXPECT_FALSE(flaw_of(replication));
}

TEST(Validate, a_stream_may_be_asked_to_copy_tables_again) {
  Replication replication = sound();
  replication.spec.mode = Mode::sync;
  replication.spec.recopy = {"first", {"shop.public.t"}};
  EXPECT_FALSE(flaw_of(replication));
}

TEST(Validate, a_schedule_is_as_of_a_crontab) {
  Replication replication = sound();
  replication.spec.verify.schedule = "30 2 * * mon-fri";
  EXPECT_FALSE(flaw_of(replication));
}

TEST(Validate, each_flaw_is_named) {
  struct Case {
    const char* named;
    std::function<void(Replication&)> spoil;
  };
  const Case cases[] = {
      {"the name is longer", [](Replication& r) { r.name = std::string(46, 'x'); }},
      {"same place", [](Replication& r) { r.spec.target.secret = "a"; }},
      {"spec.databases",
       [](Replication& r) {
         r.spec.databases = {{"x"}, {"y"}};
       }},
      {"spec.tables",
       [](Replication& r) {
         r.spec.tables = {{"x.y"}, {"y.z"}};
       }},
      {"spec.snapshot.resumePerTable",
       [](Replication& r) {
         r.spec.mode = Mode::snapshot_and_sync;
         r.spec.snapshot.resume_per_table = true;
       }},
      {"spec.source.publication", [](Replication& r) { r.spec.publication = "theirs"; }},
      {"spec.source.maxRetainedWAL",
       [](Replication& r) {
         r.spec.mode = Mode::validate;
         r.spec.max_retained_wal = 1;
       }},
      {"spec.recopy takes requestID and tables together",
       [](Replication& r) {
         r.spec.mode = Mode::sync;
         r.spec.recopy.request_id = "first";
       }},
      {"spec.recopy takes requestID and tables together",
       [](Replication& r) {
         r.spec.mode = Mode::sync;
         r.spec.recopy.tables = {"shop.public.t"};
       }},
      {"spec.recopy is for a stream",
       [](Replication& r) {
         r.spec.recopy = {"first", {"shop.public.t"}};
       }},
      {"spec.verify.schedule is no schedule that ever comes: 0 25 * * *",
       [](Replication& r) { r.spec.verify.schedule = "0 25 * * *"; }},
      {"spec.deletion has targetData Delete and sourceObjects Retain",
       [](Replication& r) {
         r.spec.target_data = TargetData::remove;
         r.spec.source_objects = SourceObjects::retain;
       }},
      {"tributary.dev/uid", [](Replication& r) { r.spec.pod.labels["tributary.dev/uid"] = "x"; }},
      {"job-name", [](Replication& r) { r.spec.pod.labels["job-name"] = "x"; }},
      {"tributary.dev/x", [](Replication& r) { r.spec.pod.annotations["tributary.dev/x"] = "x"; }},
      {"spec.mode",
       [](Replication& r) {
         r.flaw = Error{Fault::invalid, "spec.mode is odd"};
       }},
  };
  for (const Case& one : cases) {
    Replication replication = sound();
    one.spoil(replication);
    const auto flaw = flaw_of(replication);
    ASSERT_TRUE(flaw) << one.named;
    EXPECT_NE(flaw->what.find(one.named), std::string::npos) << flaw->what;
    EXPECT_EQ(flaw->fault, Fault::invalid);
  }
}

}  // namespace
}  // namespace tributary::v1alpha1
