#pragma once

#include <chrono>

#include "operator/kube/request.h"

namespace tributary::kube {

// How a pass over a key ended.
enum class PassEnd { success, requeue_after, error, panic };

// Is told of what queue, workers and transport do, by whatever thread does it; every call must be quick. This one
// looks away; metrics.h has the one that counts.
class Meter {
 public:
  using Span = std::chrono::duration<double>;  // seconds

  virtual ~Meter() = default;
  virtual void key_taken(Span /*waited*/) {}
  virtual void pass_ended(PassEnd /*end*/, Span /*took*/) {}
  // `status` 0: there was no answer. A watch has ended once its answer's head is there.
  virtual void request_ended(Method /*method*/, int /*status*/, Span /*took*/) {}
  // A request is sent again because the one before was answered so.
  virtual void request_repeated(Method /*method*/, int /*status*/) {}
};

// One that looks away, of the lifetime of the process.
Meter& no_meter();

}  // namespace tributary::kube
