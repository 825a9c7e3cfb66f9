#include "engine/pipeline/crossing.h"

#include <utility>

namespace tributary::pipeline {

void Crossing::ask(Milliseconds patience) {
  const std::lock_guard lock(mutex_);
  state_ = State::wanted;
  patience_ = patience;
  changed_.notify_all();
}

bool Crossing::wanted() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::wanted;
}

Result<void> Crossing::await(const Until& until) {
  std::unique_lock lock(mutex_);
  if (changed_.wait(lock, until.stop, [&] { return state_ != State::wanted; })) return {};
  state_ = State::open;
  return Error{Fault::cancelled, "stopped while waiting for the stream"};
}

std::optional<model::Lsn> Crossing::standing() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::standing ? std::optional(position()) : std::nullopt;
}

bool Crossing::seal() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::standing) return false;
  state_ = State::sealed;
  was_sealed_ = true;
  return true;
}

void Crossing::release() {
  const std::lock_guard lock(mutex_);
  state_ = State::open;
  changed_.notify_all();
}

bool Crossing::stand(model::Lsn position, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (state_ != State::wanted) return false;
  reached(position);
  state_ = State::standing;
  was_sealed_ = false;
  changed_.notify_all();
  // It may be wanted again already.
  const auto released = [&] { return state_ == State::open || state_ == State::wanted; };
  if (!changed_.wait_for(lock, stop, patience_, released) && state_ == State::sealed)
    changed_.wait(lock, stop, released);
  if (state_ == State::standing) state_ = State::open;
  return was_sealed_;
}

}  // namespace tributary::pipeline
