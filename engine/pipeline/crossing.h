#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"

namespace tributary::pipeline {

// Where the thread that follows a stream and the one that copies tables again beside it meet: the follower stands still
// at a position that is on disk, and reads the list of its tables anew before it goes on, unless they have missed each
// other. A meeting begins with ask() and ends with release(); it is missed where there was no seal().
class Crossing {
 public:
  // The copier's side. The follower is to stand still as soon as it can, and for as long as `patience`.
  void ask(Milliseconds patience);
  // Returns when it does. Fault::cancelled where `until` stops it before.
  Result<void> await(const Until& until);
  // Where it stands; nothing where it does not, or has lost its patience.
  std::optional<model::Lsn> standing() const;
  // Whether it still stands where it stood; then it waits until release(), however long that takes.
  bool seal();
  void release();
  // How far the follower has come.
  model::Lsn position() const { return model::Lsn{position_.load()}; }

  // Both sides. Whether the follower is asked to stand still, and has not since.
  bool wanted() const;

  // The follower's side.
  // To be called with all up to `position` on disk. Returns when it may go on: released, out of patience or stopped.
  // True where it is to read the list of its tables anew.
  bool stand(model::Lsn position, const std::stop_token& stop);
  void reached(model::Lsn position) { position_ = position.value; }

 private:
  enum class State { open, wanted, standing, sealed };

  std::atomic<std::uint64_t> position_{0};
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable_any changed_;
  State state_ = State::open;
  Milliseconds patience_{0};
  bool was_sealed_ = false;  // since the follower stood still
};

}  // namespace tributary::pipeline
