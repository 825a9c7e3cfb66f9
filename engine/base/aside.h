#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "engine/base/contain.h"
#include "engine/base/result.h"
#include "engine/base/until.h"

// For calls of a library that block and know neither deadline nor stop.
namespace tributary {

// Calls `body` on a thread of its own and waits for its value until `until` ends. A call that is given up goes on
// unheeded, maybe to the end of the process, and its value is destroyed where it is made: `body` must own all it uses.
template <class Body>
Result<std::invoke_result_t<Body>> call_aside(Body body, const Until& until) {
  using Value = std::invoke_result_t<Body>;
  struct Shared {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::optional<Result<Value>> value;
  };
  auto shared = std::make_shared<Shared>();
  const Result<void> started = contain([&]() -> Result<void> {
    std::thread([shared, body = std::move(body)]() mutable {
      Result<Value> value = contain([&]() -> Result<Value> { return body(); });
      const std::lock_guard lock(shared->mutex);
      shared->value.emplace(std::move(value));
      shared->changed.notify_all();
    }).detach();
    return {};
  });
  if (!started) return started.error();
  std::unique_lock lock(shared->mutex);
  const auto known = [&] { return shared->value.has_value(); };
  if (shared->changed.wait_for(lock, until.stop, until.deadline.left(), known)) return std::move(*shared->value);
  if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped while waiting for a call"};
  return Error{Fault::transient, "a call did not come back in time"};
}

}  // namespace tributary
