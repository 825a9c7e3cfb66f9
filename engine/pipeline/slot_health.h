#pragma once

#include <cstdint>
#include <string>

#include "engine/model/lsn.h"

namespace tributary::pipeline {

// What the source keeps for a stream, by its own word.
struct SlotHealth {
  std::string slot;
  model::Lsn source_end;       // of the source's log
  std::uint64_t retained = 0;  // bytes of it that are kept for the slot, or for that of a recopy where those are more
};

}  // namespace tributary::pipeline
