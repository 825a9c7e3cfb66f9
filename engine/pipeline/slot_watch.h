#pragma once

#include <memory>
#include <thread>

#include "engine/base/clock.h"
#include "engine/pipeline/drain.h"
#include "engine/pipeline/stream_board.h"

namespace tributary::pipeline {

// Tells the board what the source keeps for the stream of a copy, hours of its log maybe, whatever becomes of the copy
// meanwhile. Looks on a thread of its own until it is destroyed or the slot is gone; the meter must outlive it.
class SlotWatch {
 public:
  SlotWatch(std::unique_ptr<DrainEnds> ends, StreamMeter& meter, Milliseconds period);

 private:
  std::unique_ptr<DrainEnds> ends_;
  std::jthread thread_;
};

}  // namespace tributary::pipeline
