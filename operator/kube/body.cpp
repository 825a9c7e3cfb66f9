#include "operator/kube/body.h"

#include <algorithm>
#include <utility>

namespace tributary::kube {
namespace {

Error stopped() {
  return {Fault::cancelled, "stopped while waiting for the API server"};
}

Error too_large(std::size_t cap) {
  return {Fault::invalid, "the API server's answer is larger than " + std::to_string(cap) + " bytes"};
}

}  // namespace

bool Body::feed(std::string_view bytes, std::function<void()> resume) {
  const std::lock_guard lock(mutex_);
  last_feed_ = SteadyClock::now();
  if (abandoned_ || ended_) return true;
  bytes_.append(bytes);
  changed_.notify_all();
  const std::size_t unread = bytes_.size() - begin_;
  // Lines wait at the high-water mark, but one line longer than that must still be able to arrive.
  const bool enough =
      lines_ && unread > high_water && bytes_.find('\n', std::max(begin_, scanned_)) != std::string::npos;
  if (unread <= cap_ && !enough) return true;
  resume_ = std::move(resume);
  return false;
}

void Body::end(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ended_ = true;
  error_ = std::move(error);
  changed_.notify_all();
}

Result<std::string> Body::wait_whole(Deadline deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const bool over = changed_.wait_for(lock, stop, deadline.left(), [&] { return ended_ || bytes_.size() > cap_; });
  if (bytes_.size() > cap_) return too_large(cap_);
  if (!over && stop.stop_requested()) return stopped();
  if (!over) return Error{Fault::failed, "the API server did not finish its answer in time"};
  if (error_) return *error_;
  return std::move(bytes_);
}

std::optional<std::string> Body::pop_line() {
  while (true) {
    const std::size_t newline = bytes_.find('\n', std::max(begin_, scanned_));
    if (newline == std::string::npos) {
      scanned_ = bytes_.size();
      return std::nullopt;
    }
    std::string line = bytes_.substr(begin_, newline - begin_);
    begin_ = scanned_ = newline + 1;
    if (begin_ > high_water || begin_ == bytes_.size()) {
      bytes_.erase(0, begin_);
      begin_ = scanned_ = 0;
    }
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) return line;
  }
}

void Body::resume_if_low(std::unique_lock<std::mutex>& lock) {
  if (!resume_ || bytes_.size() - begin_ > high_water / 2) return;
  const std::function<void()> resume = std::exchange(resume_, nullptr);
  last_feed_ = SteadyClock::now();  // the silence until now was ours
  lock.unlock();
  resume();
  lock.lock();
}

Result<std::optional<std::string>> Body::next_line(Milliseconds idle, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  lines_ = true;
  while (true) {
    if (stop.stop_requested()) return stopped();
    std::optional<std::string> line = pop_line();
    if ((line ? line->size() : bytes_.size() - begin_) > cap_) return too_large(cap_);
    resume_if_low(lock);
    if (line) return line;
    if (ended_ && error_) return *error_;
    if (ended_ && begin_ != bytes_.size()) return Error{Fault::failed, "the stream ended within a line"};
    if (ended_) return std::optional<std::string>();
    const std::size_t seen = bytes_.size();
    const SteadyTime limit = last_feed_ + idle;
    const bool moved = changed_.wait_until(lock, stop, limit, [&] { return ended_ || bytes_.size() != seen; });
    if (!moved && !stop.stop_requested() && SteadyClock::now() >= last_feed_ + idle) {
      idle_ = true;
      return Error{Fault::failed, "the stream was silent for " + std::to_string(idle.count()) + " ms"};
    }
  }
}

bool Body::idle() const {
  const std::lock_guard lock(mutex_);
  return idle_;
}

void Body::abandon() {
  std::unique_lock lock(mutex_);
  abandoned_ = true;
  bytes_.clear();
  begin_ = scanned_ = 0;
  const std::function<void()> resume = std::exchange(resume_, nullptr);
  lock.unlock();
  if (resume) resume();
}

}  // namespace tributary::kube
