#include "engine/pipeline/reason.h"

#include <cstdlib>

namespace tributary::pipeline {

const char* reason_of(Fault fault, const char* failed) {
  switch (fault) {
    case Fault::transient:
      return "Unavailable";
    case Fault::conflict:
      return "Conflict";
    case Fault::missing:
      return "NotFound";
    case Fault::denied:
      return "AccessDenied";
    case Fault::invalid:
      return "BadConfiguration";
    case Fault::differs:
      return "Differs";
    case Fault::lost:
      return "PositionLost";
    case Fault::fenced:
      return "Fenced";
    case Fault::cancelled:
      return "Stopped";
    case Fault::failed:
      return failed;
  }
  std::abort();
}

}  // namespace tributary::pipeline
