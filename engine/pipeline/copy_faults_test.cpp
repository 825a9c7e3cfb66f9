#include <gmock/gmock.h>

#include <array>

#include "engine/pipeline/testing/alarm.h"
#include "engine/pipeline/testing/copying.h"

// A whole copy, undone at each of its calls in turn.
namespace tributary::pipeline {
namespace {

using testing::Alarm;
using testing::Calls;
using testing::Copying;
using ::testing::IsEmpty;

constexpr std::array faults{Fault::transient, Fault::conflict, Fault::missing, Fault::denied,    Fault::invalid,
                            Fault::differs,   Fault::lost,     Fault::fenced,  Fault::cancelled, Fault::failed};

// What the ledger says is there, and what is there is in the ledger.
void expect_only_committed_batches_are_counted(Copying& copying) {
  const auto sent = rows_of(copying.source());
  for (const auto& [table, record] : copying.target().records()) {
    const auto& rows = copying.target().rows[table];
    EXPECT_EQ(record.count.rows, rows.size()) << table.name;
    EXPECT_TRUE(!record.done || rows == sent.at(table)) << table.name;
  }
  const api::Progress progress = copying.board.snapshot();
  if (progress.databases.empty()) return;
  std::uint64_t whole = 0;
  for (const auto& [table, record] : copying.target().records()) whole += record.done ? 1U : 0U;
  EXPECT_LE(progress.databases.front().tables_done, whole);
  EXPECT_LT(progress.percent, 100);
}

struct Sweep {
  int streams = 1;
  Calls::Loss loss = Calls::Loss::call;
};

class EveryCall : public ::testing::TestWithParam<Sweep> {
 protected:
  // Calls `spoil` before a copy of its own for the first call, the second, ... until a copy has no such call.
  void sweep(const std::function<void(Copying&, std::size_t number)>& spoil,
             const std::function<void(const Error&, std::size_t number)>& judge) {
    const std::size_t threads = testing::threads_now();
    bool struck = true;
    for (std::size_t number = 1; struck && !HasFailure(); ++number) {
      SCOPED_TRACE("call " + std::to_string(number));
      const Alarm alarm("a copy that is disturbed at call " + std::to_string(number));
      Copying copying(GetParam().streams);
      spoil(copying, number);
      const Result<std::vector<api::Finding>> copied = copying.run(until_);
      struck = copying.world.calls.struck();
      ASSERT_NE(copied.ok(), struck) << "an undisturbed copy succeeds and no other";
      if (struck) judge(copied.error(), number);
      expect_only_committed_batches_are_counted(copying);
      EXPECT_EQ(copying.world.connections, 2) << "a reader, a stream or a writer is left";
      copying.let_go();
      EXPECT_THAT(copying.world.calls.complaints(), IsEmpty());
      EXPECT_TRUE(struck || number > 50) << "the sweep saw next to nothing";
    }
    testing::wait_for_threads(threads);
  }

  Until until_;
};

INSTANTIATE_TEST_SUITE_P(Streams, EveryCall,
                         ::testing::Values(Sweep{1, Calls::Loss::call}, Sweep{1, Calls::Loss::answer},
                                           Sweep{4, Calls::Loss::call}, Sweep{4, Calls::Loss::answer}),
                         [](const auto& each) {
                           return std::to_string(each.param.streams) + "_losing_the_" +
                                  (each.param.loss == Calls::Loss::call ? "call" : "answer");
                         });

TEST_P(EveryCall, that_fails_fails_the_copy_with_its_own_error) {
  for (std::size_t offset = 0; offset < 3; ++offset) {
    const auto fault = [&](std::size_t number) { return faults[(number + 3 * offset) % faults.size()]; };
    sweep(
        [&](Copying& copying, std::size_t number) {
          copying.world.calls.fail(copying.before + number, {fault(number), "on purpose"}, GetParam().loss);
        },
        [&](const Error& error, std::size_t number) {
          EXPECT_EQ(error.fault, fault(number));
          EXPECT_THAT(error.what, ::testing::HasSubstr("on purpose"));
        });
  }
}

TEST_P(EveryCall, at_which_a_stop_comes_ends_the_copy_as_cancelled) {
  std::stop_source stop;
  sweep(
      [&](Copying& copying, std::size_t number) {
        stop = {};
        until_ = Until{Deadline::never(), stop.get_token()};
        copying.world.calls.before(copying.before + number, [&] { stop.request_stop(); });
      },
      [&](const Error& error, std::size_t) { EXPECT_EQ(error.fault, Fault::cancelled); });
}

TEST_P(EveryCall, at_which_another_engine_takes_over_ends_the_copy_as_fenced_and_nothing_more_is_kept) {
  for (std::size_t number = 1;; ++number) {
    SCOPED_TRACE("call " + std::to_string(number));
    const Alarm alarm("a copy that is taken over at call " + std::to_string(number));
    Copying copying(GetParam().streams);
    std::string before;
    std::size_t at = 0;
    copying.world.calls.before(copying.before + number, [&] {
      copying.world.take_over("shop");
      before = copying.target().contents();
      at = copying.world.calls.names().size() - 1;
    });
    const Result<std::vector<api::Finding>> copied = copying.run();
    if (!copying.world.calls.struck()) break;
    ASSERT_EQ(copying.target().contents(), before);
    if (copied) {
      // Statistics meet no fence: where nothing else was left, whoever completes the snapshot will.
      const std::vector<std::string> names = copying.world.calls.names();
      for (std::size_t call = at; call < names.size(); ++call)
        EXPECT_THAT(names[call], ::testing::AnyOf("writer.analyze", "source.close_snapshot"));
      continue;
    }
    ASSERT_EQ(copied.error().fault, Fault::fenced);
  }
}

TEST(CopyWithoutTime, ends_as_transient) {
  Copying copying(4);
  const Result<std::vector<api::Finding>> copied = copying.run({Deadline::after(Milliseconds(0)), {}});
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().fault, Fault::transient);
}

}  // namespace
}  // namespace tributary::pipeline
