#include "engine/base/result.h"

#include "engine/base/hint.h"

namespace tributary {

std::string describe(const Error& error) {
  return with_hint(error.what, error.hint);
}

const char* name_of(Fault fault) {
  switch (fault) {
    case Fault::transient:
      return "transient";
    case Fault::conflict:
      return "conflict";
    case Fault::missing:
      return "missing";
    case Fault::denied:
      return "denied";
    case Fault::invalid:
      return "invalid";
    case Fault::differs:
      return "differs";
    case Fault::lost:
      return "lost";
    case Fault::fenced:
      return "fenced";
    case Fault::cancelled:
      return "cancelled";
    case Fault::failed:
      return "failed";
  }
  std::abort();
}

Error within(const std::string& context, Error error) {
  error.what = context + ": " + error.what;
  return error;
}

}  // namespace tributary
