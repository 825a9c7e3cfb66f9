#include "engine/pipeline/slot_watch.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>

namespace tributary::pipeline {
namespace {

// A look that only a stop ends.
class SlowEnds final : public DrainEnds {
 public:
  explicit SlowEnds(std::promise<void>& asked) : asked_(asked) {}
  Result<std::unique_ptr<Applier>> applier(std::int64_t, const Until&) override { return stopped; }
  Result<std::unique_ptr<ChangeStream>> stream(const StreamPosition&, const Until&) override { return stopped; }
  Result<SlotHealth> look_at_slot(const Until& until) override {
    asked_.set_value();
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait(lock, until.stop, [] { return false; });
    return stopped;
  }

 private:
  const Error stopped{Fault::cancelled, "stopped"};
  std::promise<void>& asked_;
};

TEST(ASlotWatch, that_is_ended_while_it_looks_tells_of_no_trouble) {
  std::promise<void> asked;
  StreamMeter meter;
  {
    const SlotWatch watch(std::make_unique<SlowEnds>(asked), meter, Milliseconds{1});
    asked.get_future().wait();
  }
  EXPECT_EQ(meter.snapshot(WallTime{}).error, "");
}

}  // namespace
}  // namespace tributary::pipeline
