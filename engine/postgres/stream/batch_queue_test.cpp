#include "engine/postgres/stream/batch_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace tributary::postgres::stream {
namespace {

std::shared_ptr<model::Batch> batch_of(std::size_t bytes) {
  auto batch = std::make_shared<model::Batch>();
  static_cast<void>(batch->keep(std::string(bytes, 'x')));
  batch->add({});
  return batch;
}

TEST(ABatchQueue, gives_batches_in_order_and_then_why_there_are_no_more) {
  BatchQueue queue(1 << 20);
  const auto first = batch_of(1);
  const auto second = batch_of(1);
  queue.put(first);
  queue.put(second);
  queue.close({Fault::transient, "over"});
  EXPECT_EQ(queue.take(Seconds(10), {}).value(), first);
  EXPECT_EQ(queue.take(Seconds(10), {}).value(), second);
  EXPECT_EQ(queue.take(Seconds(10), {}).error().what, "over");
  EXPECT_EQ(queue.take(Seconds(10), {}).error().what, "over");
}

TEST(ABatchQueue, gives_an_empty_batch_where_none_comes_in_time) {
  BatchQueue queue(1 << 20);
  EXPECT_TRUE(queue.take(Milliseconds(1), {}).value()->empty());
}

TEST(ABatchQueue, has_room_again_when_a_batch_was_taken) {
  BatchQueue queue(100'000);
  queue.put(batch_of(100'000));
  EXPECT_FALSE(queue.wait_for_room(Milliseconds(1), {}));
  std::jthread reader([&] { EXPECT_FALSE(queue.take(Seconds(10), {}).value()->empty()); });
  EXPECT_TRUE(queue.wait_for_room(Seconds(10), {}));
}

TEST(ABatchQueue, counts_small_batches_for_what_they_take) {
  BatchQueue queue(100'000);
  for (int i = 0; i < 10; ++i) queue.put(batch_of(1));
  EXPECT_FALSE(queue.wait_for_room(Milliseconds(1), {}));
}

TEST(ABatchQueue, gives_back_the_last_batch_to_be_filled_further) {
  BatchQueue queue(1 << 20);
  EXPECT_EQ(queue.reclaim(1000), nullptr);
  const auto large = batch_of(5000);
  const auto small = batch_of(10);
  queue.put(large);
  queue.put(small);
  EXPECT_EQ(queue.reclaim(1000), small);
  EXPECT_EQ(queue.reclaim(1000), nullptr);
  EXPECT_EQ(queue.take(Seconds(10), {}).value(), large);
}

TEST(ABatchQueue, wakes_for_a_stop_on_both_sides) {
  BatchQueue queue(1);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(queue.take(Seconds(60), {Deadline::never(), stop.get_token()}).error().fault, Fault::cancelled);
  queue.put(batch_of(10));
  EXPECT_FALSE(queue.wait_for_room(Seconds(60), stop.get_token()));
}

}  // namespace
}  // namespace tributary::postgres::stream
