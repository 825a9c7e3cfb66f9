#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"

namespace tributary::kube {

// The body of one answer on its way from the HTTP library's threads (feed, end) to the one thread that wants it
// (next_line, wait_whole). Bounded: a reader that falls behind by `high_water` bytes makes feed() ask the library to
// pause; a line or a whole body of more than `cap` bytes is `invalid`.
class Body {
 public:
  explicit Body(std::size_t cap) : cap_(cap) {}

  // True when the library may go on at once; false when it shall wait for `resume`, which is called once, from
  // another thread or from this one.
  bool feed(std::string_view bytes, std::function<void()> resume);
  // The first end counts. Nothing: a clean one.
  void end(std::optional<Error> error);

  // Everything until the clean end. `failed` when the deadline passes first.
  Result<std::string> wait_whole(Deadline deadline, std::stop_token stop);
  // The next line that is not blank, without newline and carriage return; nothing at a clean end. A last line
  // without newline is not a line: the connection was cut within it. `failed` after `idle` without a byte.
  Result<std::optional<std::string>> next_line(Milliseconds idle, std::stop_token stop);
  bool idle() const;
  // The reader is gone: whoever waits may go on, and what comes is dropped.
  void abandon();

 private:
  static constexpr std::size_t high_water = std::size_t{1} << 20;

  std::optional<std::string> pop_line();
  void resume_if_low(std::unique_lock<std::mutex>& lock);

  const std::size_t cap_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string bytes_;
  std::size_t begin_ = 0;    // of what is unread in bytes_
  std::size_t scanned_ = 0;  // no newline before this
  SteadyTime last_feed_ = SteadyClock::now();
  std::function<void()> resume_;
  bool lines_ = false;
  bool abandoned_ = false;
  bool idle_ = false;
  bool ended_ = false;
  std::optional<Error> error_;
};

}  // namespace tributary::kube
