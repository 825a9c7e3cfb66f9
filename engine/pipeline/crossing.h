#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"

namespace tributary::pipeline {

// Where the thread that follows a stream and the one that copies tables again beside it meet: the follower stands still
// at a position that is on disk, and reads the list of its tables anew before it goes on.
class Crossing {
 public:
  // The copier's side. Waits until the follower stands still: at which position. It waits for release(), but for no
  // longer than its patience where there is no seal(). Fault::cancelled where `until` stops it before.
  Result<model::Lsn> halt(const Until& until);
  // Whether the follower still stands where it stood; then it waits until release(), however long that takes.
  bool seal();
  void release();
  // How far the follower has come.
  model::Lsn position() const { return model::Lsn{position_.load()}; }

  // The follower's side. Whether it is asked to stand still.
  bool wanted() const;
  // To be called with all up to `position` on disk. Returns when it may go on: released, out of patience or stopped.
  void stand(model::Lsn position, Milliseconds patience, const std::stop_token& stop);
  void reached(model::Lsn position) { position_ = position.value; }

 private:
  enum class State { open, wanted, standing, sealed };

  std::atomic<std::uint64_t> position_{0};
  mutable std::mutex mutex_;  // guards state_
  std::condition_variable_any changed_;
  State state_ = State::open;
};

}  // namespace tributary::pipeline
