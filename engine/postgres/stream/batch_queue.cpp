#include "engine/postgres/stream/batch_queue.h"

#include <algorithm>
#include <utility>

namespace tributary::postgres::stream {
namespace {

// A batch takes so much whatever it holds.
constexpr std::size_t least = 16 * 1024;

std::size_t taken_by(const model::Batch& batch) {
  return std::max(batch.bytes(), least);
}

}  // namespace

void BatchQueue::put(std::shared_ptr<model::Batch> batch) {
  const std::lock_guard lock(mutex_);
  bytes_ += taken_by(*batch);
  batches_.push_back(std::move(batch));
  filled_.notify_one();
}

bool BatchQueue::wait_for_room(Milliseconds span, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, stop, span, [&] { return bytes_ < byte_limit_; });
}

std::shared_ptr<model::Batch> BatchQueue::reclaim(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (batches_.empty() || batches_.back()->bytes() >= bytes) return nullptr;
  std::shared_ptr<model::Batch> last = std::move(batches_.back());
  batches_.pop_back();
  bytes_ -= taken_by(*last);
  return last;
}

void BatchQueue::close(Error why) {
  const std::lock_guard lock(mutex_);
  why_ = std::move(why);
  filled_.notify_one();
}

Result<std::shared_ptr<const model::Batch>> BatchQueue::take(Milliseconds wait, const Until& until) {
  static const auto nothing = std::make_shared<const model::Batch>();
  if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped while waiting for changes"};
  std::unique_lock lock(mutex_);
  const Until soon = until.within(wait);
  filled_.wait_for(lock, until.stop, soon.deadline.left(), [&] { return !batches_.empty() || why_; });
  if (!batches_.empty()) {
    std::shared_ptr<const model::Batch> first = std::move(batches_.front());
    batches_.pop_front();
    bytes_ -= taken_by(*first);
    emptied_.notify_one();
    return first;
  }
  if (why_) return *why_;
  if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped while waiting for changes"};
  if (until.deadline.passed()) return Error{Fault::transient, "no changes came in time"};
  return nothing;
}

}  // namespace tributary::postgres::stream
