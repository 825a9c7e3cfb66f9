#include "operator/kube/meter.h"

namespace tributary::kube {

Meter& no_meter() {
  static Meter one;
  return one;
}

}  // namespace tributary::kube
