#include "operator/kube/testing/condition.h"

#include <thread>

namespace tributary::kube::testing {

bool comes_true(const std::function<bool()>& condition, Milliseconds limit, Milliseconds every) {
  const Deadline deadline = Deadline::after(limit);
  while (!condition()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(every);
  }
  return true;
}

}  // namespace tributary::kube::testing
