#include "engine/pipeline/crossing.h"

namespace tributary::pipeline {

Result<model::Lsn> Crossing::halt(const Until& until) {
  std::unique_lock lock(mutex_);
  state_ = State::wanted;
  changed_.notify_all();
  changed_.wait(lock, until.stop, [&] { return state_ == State::standing; });
  if (state_ == State::standing) return position();
  state_ = State::open;
  return Error{Fault::cancelled, "stopped while waiting for the stream"};
}

bool Crossing::seal() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::standing) return false;
  state_ = State::sealed;
  return true;
}

void Crossing::release() {
  const std::lock_guard lock(mutex_);
  state_ = State::open;
  changed_.notify_all();
}

bool Crossing::wanted() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::wanted;
}

void Crossing::stand(model::Lsn position, Milliseconds patience, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (state_ != State::wanted) return;
  reached(position);
  state_ = State::standing;
  changed_.notify_all();
  // It may be wanted again already.
  const auto released = [&] { return state_ == State::open || state_ == State::wanted; };
  if (changed_.wait_for(lock, stop, patience, released)) return;
  if (state_ == State::sealed) changed_.wait(lock, stop, released);
  if (state_ == State::standing) state_ = State::open;
}

}  // namespace tributary::pipeline
