#include "engine/pipeline/pace.h"

#include <algorithm>

namespace tributary::pipeline {
namespace {

Milliseconds until_then(SteadyTime then, SteadyTime now) {
  if (then <= now) return Milliseconds{0};
  return std::chrono::ceil<Milliseconds>(then - now);
}

}  // namespace

Pace::Pace(const Limits& limits, model::Lsn applied, SteadyTime now)
    : limits_(limits), given_(applied), applied_(applied), last_durable_(now) {}

void Pace::took(const model::Events& events, SteadyTime now) {
  dry_ = events.empty();
  for (const model::Event& event : events) {
    using Kind = model::Event::Kind;
    switch (event.kind) {
      case Kind::begin:
        inside_ = true;
        if (!since_) since_ = now;
        break;
      case Kind::commit:
        inside_ = false;
        ++transactions_;
        break;
      case Kind::idle:
        break;
      case Kind::insert:
      case Kind::update:
      case Kind::remove:
      case Kind::truncate:
        ++changes_;
    }
    if (event.kind == Kind::commit || event.kind == Kind::idle) given_ = std::max(given_, event.end);
  }
  if (since_) bytes_ += events.bytes();
  if (bytes_ >= limits_.group_bytes) mode_ = ApplyMode::coalesced;
}

void Pace::reached(const Reach& reach) {
  source_end_ = std::max(source_end_, reach.source_end);
  if (since_) return;
  const std::uint64_t behind = source_end_ > given_ ? source_end_.value - given_.value : 0;
  if (behind >= limits_.behind_from) mode_ = ApplyMode::coalesced;
  if (behind < limits_.near_from) mode_ = ApplyMode::ordered;
}

Pace::Commit Pace::due(SteadyTime now) const {
  if (inside_) return Commit::none;
  const bool disk = now - last_durable_ >= limits_.durable_every;
  if (since_) {
    const bool full = mode_ == ApplyMode::ordered
                          ? transactions_ >= limits_.group_transactions || now - *since_ >= limits_.longest_group
                          : bytes_ >= limits_.group_bytes || now - *since_ >= limits_.durable_every;
    if (!full && !dry_) return Commit::none;
    return disk ? Commit::durable : Commit::fast;
  }
  if (durable_ < applied_ && disk) return Commit::durable;
  if (applied_ < given_ && now - last_durable_ >= limits_.idle_every) return Commit::durable;
  return Commit::none;
}

Milliseconds Pace::patience(SteadyTime now) const {
  if (inside_) return limits_.durable_every;
  if (since_)
    return mode_ == ApplyMode::ordered ? until_then(*since_ + limits_.longest_group, now) : limits_.longest_group;
  if (durable_ < applied_) return until_then(last_durable_ + limits_.durable_every, now);
  if (applied_ < given_) return until_then(last_durable_ + limits_.idle_every, now);
  return limits_.durable_every;
}

void Pace::committed(Commit how, SteadyTime now) {
  since_.reset();
  transactions_ = 0;
  changes_ = 0;
  bytes_ = 0;
  applied_ = given_;
  if (how != Commit::durable) return;
  durable_ = applied_;
  last_durable_ = now;
}

}  // namespace tributary::pipeline
