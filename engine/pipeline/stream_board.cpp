#include "engine/pipeline/stream_board.h"

#include <algorithm>
#include <utility>

namespace tributary::pipeline {
namespace {

std::string text_of(model::Lsn lsn) {
  return lsn.value == 0 ? "" : to_string(lsn);
}

std::uint64_t whole_seconds(WallTime::duration time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

}  // namespace

void StreamMeter::opened(const StreamPosition& position) {
  const std::lock_guard lock(mutex_);
  position_ = position;
}

void StreamMeter::committed(const StreamPosition& position, std::uint64_t transactions, std::uint64_t changes) {
  const std::lock_guard lock(mutex_);
  position_ = position;
  transactions_ += transactions;
  changes_ += changes;
}

void StreamMeter::reached(const Reach& reach, WallTime now) {
  const std::lock_guard lock(mutex_);
  reach_.received = std::max(reach_.received, reach.received);
  reach_.source_end = std::max({reach_.source_end, reach.source_end, health_.source_end});
  if (position_.applied >= reach_.source_end) caught_up_ = now;
}

void StreamMeter::troubled(std::string error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
  state_ = api::StreamState::connecting;
  is_measured_ = false;
}

void StreamMeter::measured(const SlotHealth& health) {
  const std::lock_guard lock(mutex_);
  health_ = health;
  is_measured_ = true;
}

void StreamMeter::released() {
  const std::lock_guard lock(mutex_);
  health_ = {};
  is_measured_ = false;
  state_ = api::StreamState::connecting;
  error_.clear();
}

void StreamMeter::listens_to(const ChangeStream* stream) {
  const std::lock_guard lock(mutex_);
  stream_ = stream;
}

void StreamMeter::looked(const SlotHealth& health, api::StreamState state) {
  const std::lock_guard lock(mutex_);
  health_ = health;
  is_measured_ = true;
  state_ = state;
  error_.clear();
}

void StreamMeter::stands(const TableStanding& tables, WallTime now) {
  const std::lock_guard lock(mutex_);
  if (tables.aside.recopy == 0) recopied_since_.reset();
  if (tables.aside.recopy > 0 && !recopied_since_) recopied_since_ = now;
  tables_ = tables;
}

std::optional<RequestStanding> StreamMeter::request() const {
  const std::lock_guard lock(mutex_);
  return tables_ ? tables_->request : std::nullopt;
}

void StreamMeter::recopy(std::optional<api::RecopyProgress> progress) {
  const std::lock_guard lock(mutex_);
  recopy_ = std::move(progress);
}

api::StreamProgress StreamMeter::snapshot(WallTime now) const {
  const std::lock_guard lock(mutex_);
  api::StreamProgress progress;
  progress.state = state_;
  const Reach now_there = stream_ != nullptr ? stream_->reach() : Reach{};
  if (const model::Lsn end = std::max(reach_.source_end, now_there.source_end); end > position_.applied) {
    progress.lag_bytes = end.value - position_.applied.value;
    // Whatever the last transaction's age: nothing is older than the moment at which nothing was lacking.
    const WallTime since = std::max(position_.commit.value_or(WallTime{}), caught_up_);
    if (since != WallTime{} && now > since) progress.lag_seconds = whole_seconds(now - since);
  }
  progress.received = text_of(std::max(reach_.received, now_there.received));
  progress.applied = text_of(position_.applied);
  if (position_.commit) progress.last_transaction = rfc3339(*position_.commit);
  progress.transactions = transactions_;
  progress.changes = changes_;
  progress.error = error_;
  progress.recopy = recopy_;
  if (tables_) progress.aside = tables_->aside;
  if (recopied_since_ && now > *recopied_since_) progress.aside->recopy_seconds = whole_seconds(now - *recopied_since_);
  progress.slot = health_.slot;
  if (is_measured_) progress.retained_bytes = health_.retained;
  return progress;
}

}  // namespace tributary::pipeline
