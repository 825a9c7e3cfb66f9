#include "engine/api/outcome.h"

namespace tributary::api {

ExitCode exit_code_of(Fault fault) {
  switch (fault) {
    case Fault::transient:
    case Fault::conflict:
    case Fault::cancelled:
    case Fault::failed:
      return ExitCode::failed;
    case Fault::missing:
    case Fault::denied:
    case Fault::invalid:
      return ExitCode::bad_configuration;
    case Fault::differs:
      return ExitCode::differences;
    case Fault::lost:
      return ExitCode::lost_position;
    case Fault::fenced:
      return ExitCode::fenced;
  }
  std::abort();
}

}  // namespace tributary::api
