#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/change.h"

namespace tributary::postgres::stream {

// The batches between the thread that receives and the one that applies, bounded by the memory they take. One thread on
// each side.
class BatchQueue {
 public:
  explicit BatchQueue(std::size_t byte_limit) : byte_limit_(byte_limit) {}

  // The receiver's side. put() takes what it is given, room or not; wait_for_room() answers whether there is some
  // within `span`. reclaim() gives back the last batch where it was not taken yet and is smaller than `bytes`, to be
  // added to; else nothing.
  void put(std::shared_ptr<model::Batch> batch);
  bool wait_for_room(Milliseconds span, const std::stop_token& stop);
  std::shared_ptr<model::Batch> reclaim(std::size_t bytes);
  // Nothing follows; what is there can still be taken.
  void close(Error why);

  // The next batch, an empty one where none came within `wait`, or why there is none any more.
  Result<std::shared_ptr<const model::Batch>> take(Milliseconds wait, const Until& until);

 private:
  const std::size_t byte_limit_;
  std::mutex mutex_;
  std::condition_variable_any filled_;
  std::condition_variable_any emptied_;
  std::deque<std::shared_ptr<model::Batch>> batches_;
  std::size_t bytes_ = 0;
  std::optional<Error> why_;
};

}  // namespace tributary::postgres::stream
