#include "engine/api/outcome.h"

#include <algorithm>
#include <iterator>

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

bool is_outage(std::string_view reason) {
  constexpr std::string_view outages[] = {"Unavailable",       "SourceUnreachable",         "TargetUnreachable",
                                          "NoFreeConnections", "SourceDatabaseUnavailable", "TargetDatabaseUnavailable",
                                          "TargetInUse"};
  return std::find(std::begin(outages), std::end(outages), reason) != std::end(outages);
}

bool may_pass(ExitCode exit_code, std::string_view reason) {
  return exit_code == ExitCode::fenced || (exit_code == ExitCode::failed && is_outage(reason));
}

}  // namespace tributary::api
