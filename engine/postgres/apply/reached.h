#pragma once

#include <string>

#include "engine/base/clock.h"
#include "engine/model/change.h"
#include "engine/pipeline/applier.h"

namespace tributary::postgres::apply {

// How far a stream comes beyond a position of the ledger. Pure.
class Reached {
 public:
  explicit Reached(const pipeline::StreamPosition& from) : position_(from) {}

  void take(const model::Event& event);
  const pipeline::StreamPosition& position() const { return position_; }

 private:
  pipeline::StreamPosition position_;
  bool has_change_ = false;  // the transaction that has begun
};

// RFC 3339 with microseconds.
std::string spell(WallTime time);

}  // namespace tributary::postgres::apply
